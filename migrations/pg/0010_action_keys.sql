-- Names of the system keys that an action is given.
alter table action add column keys jsonb not null default '[]';
create index execution_secret_value_key on execution_secret_value (encryption_key_hash);
