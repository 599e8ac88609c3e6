-- Circuit breakers: what a policy says, and which runs share one. What was let through while it was open is marked.
alter table policy add column breaker_failures bigint check (breaker_failures > 0);
alter table policy add column breaker_within bigint;
alter table policy add column breaker_open bigint;
alter table policy add column breaker_parameters jsonb not null default '[]';
alter table policy add column breaker_method text check (breaker_method in ('wait', 'fail'));
alter table execution add column breaker text;
alter table execution add column breaker_probe boolean not null default false;
create index execution_breaker on execution (breaker, finished_at) where breaker is not null and finished_at is not null;
create index execution_breaker_probe on execution (breaker, id) where breaker_probe;
