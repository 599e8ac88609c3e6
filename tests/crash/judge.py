"""Holds the three records of a storm against each other: what was promised, what was done, what is stored."""

import collections
import time

from work import TERMINAL, moves, processes_of

# From each state, those that may follow in a timeline.
LEGAL = {
    None: {"requested", "scheduled", "failed"},
    "requested": {"scheduling", "scheduled", "failed", "cancelled"},
    "scheduling": {"requested", "scheduled", "failed", "cancelled"},
    "scheduled": {"requested", "running", "failed", "cancelled"},
    "running": {"completed", "failed", "canceling", "abandoned"},
    "canceling": {"cancelled", "completed", "failed", "abandoned"},
}
SETTLE_US = 60_000_000


class Judge:
    def __init__(self, world, record, ledger, storm, fallen, last_kill, slots):
        self.world, self.record, self.storm, self.fallen, self.last_kill, self.slots = world, record, storm, fallen, last_kill, slots
        self.rows = {r["id"]: r for r in self._read()}
        self.starts, self.ends = collections.defaultdict(list), collections.defaultdict(list)
        for entry in ledger.entries():
            (self.starts if entry.word == "start" else self.ends)[entry.id].append(entry)

    def _read(self):
        return self.world.rows("select id, status, worker, attempt, result, started_at, finished_at, updated, moves from execution")

    def findings(self):
        checks = (self.every_promise_is_kept, self.everything_is_terminal_in_time, self.only_killed_claims_are_abandoned,
                  self.completed_means_once, self.no_attempt_starts_twice, self.timelines_are_legal, self.each_worker_keeps_its_slots,
                  self.nobody_fell_over, self.terminal_rows_stay, self.nothing_is_dead)
        return [finding for check in checks for finding in check()]

    def every_promise_is_kept(self):
        missing = [i for i in self.record.ids if i not in self.rows]
        if missing:
            yield f"{len(missing)} accepted executions are not stored, like {missing[0]}"
        if len(set(self.record.ids)) != len(self.record.ids):
            yield "two requests were given the same id"

    def everything_is_terminal_in_time(self):
        open_ones = [r for r in self.rows.values() if r["status"] not in TERMINAL]
        if open_ones:
            yield f"{len(open_ones)} executions are open 60 s after the last kill, like {open_ones[0]}"
        late = [r for r in self.rows.values() if r["status"] in TERMINAL and r["updated"] > self.last_kill + SETTLE_US]
        if late:
            yield f"{len(late)} executions became terminal too late, like {late[0]}"

    def _worker_kills(self):
        return [(at, name) for at, role, name in self.storm.kills if role in ("worker", "up")]

    def only_killed_claims_are_abandoned(self):
        abandoned = [r for r in self.rows.values() if r["status"] == "abandoned"]
        most = self.slots * len(self._worker_kills())
        if len(abandoned) > most:
            yield f"{len(abandoned)} abandoned, {most} at most could be ({self.slots} slots, {len(self._worker_kills())} workers killed)"
        for row in abandoned:
            claims = [m for m in moves(row) if m.state == "running"]
            if not claims:
                yield f"execution {row['id']} is abandoned and was never claimed: {row['moves']!r}"
            elif not any(claims[-1].at <= at and (self.world.embedded or name == claims[-1].by) for at, name in self._worker_kills()):
                yield f"execution {row['id']} is abandoned though {claims[-1].by}, which had claimed it, was not killed: {row['moves']!r}"

    def completed_means_once(self):
        for row in self.rows.values():
            starts, ends = self.starts[row["id"]], self.ends[row["id"]]
            if row["status"] == "abandoned":
                continue
            if row["status"] != "completed":
                yield f"execution {row['id']} is {row['status']}: {row['result']}"
            elif (len(starts), len(ends)) != (1, 1):
                yield f"execution {row['id']} is completed with {len(starts)} starts and {len(ends)} ends"
            elif starts[0].attempt != row["attempt"]:
                yield f"execution {row['id']}: attempt {starts[0].attempt} ran, attempt {row['attempt']} is stored"

    def no_attempt_starts_twice(self):
        for execution, starts in self.starts.items():
            if execution not in self.rows:
                yield f"something ran as execution {execution}, which is not stored"
            if len(starts) > 1:  # nothing here may be tried again once it has started
                yield f"execution {execution} started {len(starts)} times: {starts}"

    def timelines_are_legal(self):
        for row in self.rows.values():
            before = None
            for move in moves(row):
                if move.state not in LEGAL.get(before, ()):
                    yield f"execution {row['id']} went from {before} to {move.state}: {row['moves']!r}"
                before = move.state
            if before != row["status"]:
                yield f"execution {row['id']} is {row['status']}, its timeline ends with {before}"

    def each_worker_keeps_its_slots(self):
        by_worker = collections.defaultdict(list)
        for row in self.rows.values():
            if row["status"] == "completed":
                by_worker[row["worker"]] += [(row["started_at"], 1), (row["finished_at"], -1)]
        for worker, edges in by_worker.items():
            now = most = 0
            for _, step in sorted(edges):
                now += step
                most = max(most, now)
            if most > self.slots:
                yield f"worker {worker} ran {most} at once on {self.slots} slots"

    def nobody_fell_over(self):
        for name, code in self.fallen:
            yield f"{name} ended by itself with code {code}"

    def terminal_rows_stay(self):
        time.sleep(2)
        for row in self._read():
            before = self.rows.get(row["id"])
            if before and before["status"] in TERMINAL and row != before:
                yield f"execution {row['id']} has changed after its end: {before} became {row}"

    def nothing_is_dead(self):
        letters = self.world.get("/dead-letters")["data"]
        if letters:
            yield f"{len(letters)} dead letters, like {letters[0]}"

    def after_the_stop(self):
        until = time.monotonic() + 30  # who looks for forgotten containers for a worker ends within a second of it
        while (left := self.world.leftovers()) and time.monotonic() < until:
            time.sleep(0.1)
        if left:
            yield f"processes are left behind: {left}"
        for execution in list(self.starts)[-50:]:
            if processes_of(self.world, execution):
                yield f"execution {execution} still runs"

    def summary(self):
        count = collections.Counter(r["status"] for r in self.rows.values())
        roles = collections.Counter(role for _, role, _ in self.storm.kills)
        return (f"{len(self.record.ids)} accepted ({self.record.unsure} without an answer), "
                + ", ".join(f"{n} {state}" for state, n in count.most_common())
                + "; killed " + ", ".join(f"{n} {role}" for role, n in sorted(roles.items()))
                + (f"; restarted {', '.join(self.storm.done)}" if self.storm.done else ""))
