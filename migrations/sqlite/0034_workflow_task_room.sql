-- Of PostgreSQL only: how full the pages of workflow_task are made. SQLite writes rows in place.
select 1;
