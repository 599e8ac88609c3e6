-- Who else may refer to an action or a trigger in rules; nothing: everybody.
alter table action add column reference_visibility text check (reference_visibility in ('public', 'restricted', 'private'));
alter table action add column reference_allowed_pack_refs text;
alter table "trigger" add column reference_visibility text check (reference_visibility in ('public', 'restricted', 'private'));
alter table "trigger" add column reference_allowed_pack_refs text;
