-- How many reactions to reactions led to this event: what would go round for ever is stopped by it.
alter table event add column depth integer not null default 0;
