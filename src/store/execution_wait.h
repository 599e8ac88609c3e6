/* What an execution x waits for, as a column of a select. */
#pragma once

/* The first of a row's class, which alone is marked when a limit or full workers hold all of them. */
#define FIRST_OF_CLASS(row) \
	"(select q.id from execution q where q.status = 'requested' and q.wait_class is not null" \
	" and q.wait_class = " row ".wait_class order by q.id limit 1)"

#define WAIT_OF_CLASS \
	"(select h.wait_reason || ': ' || h.wait_detail from execution h where h.wait_reason <> 'queued' and h.id " \
	"= " FIRST_OF_CLASS("x") ")"

/* "no_worker: what is missing", or the reason alone; of what stands behind the first of its class only "queued" */
#define WAIT_MARK \
	"case when x.status not in ('requested', 'running') then null when x.wait_detail is null then x.wait_reason" \
	" else x.wait_reason || ': ' || x.wait_detail end"

/* The same for all. Only for few rows: a list that is sorted would ask it of all that it leaves out, too. */
#define WAIT_REASON \
	"case when x.status = 'requested' and x.wait_class is not null and x.wait_reason = 'queued' then " \
	"coalesce(" WAIT_OF_CLASS ", 'queued') else " WAIT_MARK " end"
