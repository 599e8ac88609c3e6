-- The runs that a run came of, outermost first: '/1/5/'; null when nobody asked for it. So what came of run 5, however deep, is one range of
-- the index, and whether a run did is seen from its own row.
alter table execution add column ancestors text collate "C";
with recursive up(id, ancestors) as (
    select e.id, ('/' || e.parent || '/')::text from execution e join execution p on p.id = e.parent where p.parent is null
    union all
    select e.id, up.ancestors || e.parent || '/' from execution e join up on e.parent = up.id
)
update execution set ancestors = up.ancestors from up where up.id = execution.id;
update execution set ancestors = '/' || parent || '/' where parent is not null and ancestors is null;
create index execution_by_ancestors on execution (ancestors, id) where ancestors is not null;
