#include "store/libpq.h"

/* clang-format off */
#define FUNCTIONS(_) \
	_(PQclear) _(PQcmdStatus) _(PQcmdTuples) _(PQconnectPoll) _(PQconnectStartParams) \
	_(PQconnectionNeedsPassword) _(PQconninfoFree) _(PQconninfoParse) _(PQconsumeInput) \
	_(PQenterPipelineMode) _(PQerrorMessage) _(PQexec) _(PQexitPipelineMode) _(PQfinish) _(PQflush) \
	_(PQfname) _(PQfreemem) _(PQftype) _(PQgetResult) _(PQgetisnull) _(PQgetlength) _(PQgetvalue) \
	_(PQisBusy) _(PQnfields) _(PQntuples) _(PQpipelineSync) _(PQresultErrorField) _(PQresultStatus) \
	_(PQsendFlushRequest) _(PQsendPrepare) _(PQsendQueryParams) _(PQsendQueryPrepared) _(PQserverVersion) _(PQsetErrorVerbosity) \
	_(PQsetNoticeReceiver) _(PQsetnonblocking) _(PQsocket) _(PQstatus)
/* clang-format on */

LATE_LIBRARY(libpq, "libpq.so.5", "libpq5", FUNCTIONS)
