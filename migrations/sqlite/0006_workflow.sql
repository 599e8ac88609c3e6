-- Workflows made by hand stay when their pack is loaded again; those of files know which one.
alter table workflow_definition add column is_adhoc integer not null default 0;
alter table workflow_definition add column file text;
