-- What an action may reach (none: as its worker is set) and use: {memory_mb, processes, open_files, output_bytes}.
alter table action add column sandbox text check (sandbox in ('off', 'standard', 'strict'));
alter table action add column limits text;
