-- Results that are too large for their row: the row has what lists and counts look at.
create table execution_result (
    execution bigint primary key,
    body jsonb not null
);
