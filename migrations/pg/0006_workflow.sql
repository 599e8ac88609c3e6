-- Workflows made by hand stay when their pack is loaded again; those of files know which one.
alter table workflow_definition add column is_adhoc boolean not null default false;
alter table workflow_definition add column file text;
