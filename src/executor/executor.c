#include "executor/executor.h"

#include "executor/dues.h"
#include "executor/sweeper.h"

#include <stdlib.h>

/* A queue and what is done with its messages. */
typedef struct QueueTurn {
	QueueId queue;
	Turn *turn;
	size_t items; /* of one turn; 0: as many as elsewhere */
} QueueTurn;

/* A request only says that there is something to look at, and one look is enough for all of them. */
enum { REQUESTS_AT_ONCE = 16384 };

static const QueueTurn queue_turns[] = {
	{ Q_ENFORCEMENTS, executor_on_enforcements },
	{ Q_REQUESTS, executor_on_requests, REQUESTS_AT_ONCE },
	{ Q_COMPLETED, executor_on_completed },
	{ Q_STATUS, executor_on_status },
	{ Q_INQUIRY, executor_on_answers },
	{ Q_EXECUTOR_WORKERS, executor_on_workers },
};

struct Executor {
	Consumer *consumers[countof(queue_turns)];
	Sweeper *sweeper;
	Dues *dues;
};

bool
executor_start(Engine *e, Executor **ret, Err *err)
{
	Executor *x = calloc(1, sizeof(Executor));

	if (x == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	for (size_t i = 0; i < countof(queue_turns); i++) {
		ConsumerConfig config = {
			.role = "executor",
			.sub = { .queue = queue_turns[i].queue },
			.turn = queue_turns[i].turn,
			.max_items = queue_turns[i].items,
			.self = x,
		};

		if (!consumer_start(e, &config, &x->consumers[i], err)) {
			executor_stop(x);
			return false;
		}
	}
	if (!sweeper_start(e, &x->sweeper, err) || !dues_start(e, &x->dues, err)) {
		executor_stop(x);
		return false;
	}
	*ret = x;
	return true;
}

void
executor_stop(Executor *x)
{
	if (x == NULL)
		return;
	dues_stop(x->dues);
	sweeper_stop(x->sweeper);
	for (size_t i = 0; i < countof(queue_turns); i++)
		consumer_stop(x->consumers[i]);
	free(x);
}

void
executor_arm(Executor *x)
{
	sweeper_arm(x->sweeper);
	dues_arm(x->dues);
}

void
executor_due(Executor *x, TimeUs at)
{
	sweeper_wake_at(x->sweeper, at);
}
