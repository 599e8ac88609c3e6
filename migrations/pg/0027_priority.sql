-- Which of those that wait comes first; null: as all others. That of a rule counts before that of its action.
alter table action add column priority bigint;
alter table rule add column priority bigint;
