-- Numbers of versions are never given twice, also when the latest was deleted.
alter table artifact add column last_version integer not null default 0;
update artifact set last_version = coalesce((select max(v.version) from artifact_version v where v.artifact = artifact.id), 0);
create index artifact_version_by_execution on artifact_version (execution) where execution is not null;
