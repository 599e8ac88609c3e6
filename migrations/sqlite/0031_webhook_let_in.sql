-- What a webhook with a limit has let in is counted with each request; what it refused, which is most in a flood, is not in the way.
drop index webhook_event_log_by_source;
create index webhook_event_log_let_in on webhook_event_log (trigger_id, webhook_key, source_ip, created) where not rate_limited;
