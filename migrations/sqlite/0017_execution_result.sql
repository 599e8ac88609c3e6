-- Results that are too large for their row: the row has what lists and counts look at.
create table execution_result (
    execution integer primary key,
    body text not null
);
