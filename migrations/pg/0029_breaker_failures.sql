-- Breakers read how their runs went wrong; those that went well are not in their way.
drop index execution_breaker;
create index execution_breaker_failures on execution (breaker, finished_at)
    where breaker is not null and started_at is not null and (status = 'failed' or status = 'timeout');
