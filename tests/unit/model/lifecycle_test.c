#include "model/lifecycle.h"

#include "test.h"

TEST(a_terminal_state_never_moves)
{
	for (ExecState s = EXEC_REQUESTED; s < EXEC_STATES; s++) {
		ExecState to;
		Err err = { 0 };

		CHECK(exec_state_of(str_of(exec_state_name(s))) == s);
		for (ExecEvent e = 0; exec_terminal(s) && e < EXEC_EVENTS; e++) {
			CHECK(!exec_next(s, e, &to, &err));
			CHECK(err.code == ERR_STALE);
		}
	}
}

TEST(every_state_reaches_an_end)
{
	bool reaches[EXEC_STATES] = { false };

	for (size_t round = 0; round < EXEC_STATES; round++)
		for (ExecState s = EXEC_REQUESTED; s < EXEC_STATES; s++)
			for (ExecEvent e = 0; e < EXEC_EVENTS; e++) {
				ExecState to;

				reaches[s] =
				    reaches[s] || exec_terminal(s) || (exec_next(s, e, &to, NULL) && reaches[to]);
			}
	for (ExecState s = EXEC_REQUESTED; s < EXEC_STATES; s++)
		CHECK(reaches[s]);
}
