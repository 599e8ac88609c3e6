#include "model/changes.h"

#include "base/names.h"

const ChangeRow change_rows[CHANGE_KINDS] = {
	[CHANGE_EXECUTION_CREATED] = { "execution_created", SUBJECT_EXECUTION },
	[CHANGE_EXECUTION_STATUS] = { "execution_status_changed", SUBJECT_EXECUTION },
	[CHANGE_EVENT_CREATED] = { "event_created", SUBJECT_EVENT },
	[CHANGE_ENFORCEMENT_CREATED] = { "enforcement_created", SUBJECT_ENFORCEMENT },
	[CHANGE_ENFORCEMENT_STATUS] = { "enforcement_status_changed", SUBJECT_ENFORCEMENT },
	[CHANGE_INQUIRY_CREATED] = { "inquiry_created", SUBJECT_INQUIRY },
	[CHANGE_INQUIRY_RESPONDED] = { "inquiry_responded", SUBJECT_INQUIRY },
	[CHANGE_INQUIRY_REMINDER] = { "inquiry_reminder", SUBJECT_INQUIRY },
	[CHANGE_INQUIRY_ESCALATED] = { "inquiry_escalated", SUBJECT_INQUIRY },
	[CHANGE_INQUIRY_TIMEOUT] = { "inquiry_timeout", SUBJECT_INQUIRY },
	[CHANGE_ARTIFACT_CREATED] = { "artifact_created", SUBJECT_ARTIFACT },
	[CHANGE_ARTIFACT_UPDATED] = { "artifact_updated", SUBJECT_ARTIFACT },
};

const char *const subject_names[SUBJECTS] = {
	[SUBJECT_EXECUTION] = "execution",
	[SUBJECT_EVENT] = "event",
	[SUBJECT_ENFORCEMENT] = "enforcement",
	[SUBJECT_INQUIRY] = "inquiry",
	[SUBJECT_ARTIFACT] = "artifact",
};

const char *const subject_resources[SUBJECTS] = {
	[SUBJECT_EXECUTION] = "executions",
	[SUBJECT_EVENT] = "events",
	[SUBJECT_ENFORCEMENT] = "enforcements",
	[SUBJECT_INQUIRY] = "inquiries",
	[SUBJECT_ARTIFACT] = "artifacts",
};

ChangeKind
change_of(Str name)
{
	for (ChangeKind k = CHANGE_NONE + 1; k < CHANGE_KINDS; k++)
		if (str_is(name, change_rows[k].name))
			return k;
	return CHANGE_NONE;
}

bool
subject_of(Str name, Subject *ret)
{
	int at = name_index(subject_names, SUBJECTS, name);

	if (at < 0)
		return false;
	*ret = (Subject)at;
	return true;
}
