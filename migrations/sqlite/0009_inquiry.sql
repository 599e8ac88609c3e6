-- Inquiries in one state, and those whose time may be over.
create index inquiry_by_status on inquiry (status, id);
create index inquiry_due on inquiry (timeout_at) where status = 'pending' and timeout_at is not null;
create index inquiry_by_assignee on inquiry (assigned_to, id) where assigned_to is not null;
