"""Cron expressions made together with what they mean: plain sets of numbers, and a test for each day. No parser, no bits: slow thinking, fast
enough for tens of thousands."""

import calendar
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
DAYS = "SUN MON TUE WED THU FRI SAT".split()
JUMP = timedelta(hours=3)  # no clock of these years jumps farther


def instants(wall, zone, elapsed):
    """One for each wall time: the offset before a change, for what is jumped over and for what comes twice. By elapsed time: none for what is
    jumped over, two for what comes twice."""
    if not elapsed:
        return [int(wall.replace(tzinfo=zone).timestamp())]
    both = sorted({int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)})
    return [t for t in both if datetime.fromtimestamp(t, zone).replace(tzinfo=None) == wall]


def numbers(rng, low, high, names=()):
    """The text of a field, and the set of what it means."""
    def word(v):
        return rng.choice((str.upper, str.lower))(names[v - low]) if names and rng.random() < 0.3 else str(v)

    text, meant = [], set()
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        a, b = sorted((rng.randint(low, high), rng.randint(low, high)))
        step = rng.randint(1, max(2, (high - low) // 2))
        kind = rng.randrange(5)
        if kind == 0:
            text.append(f"*/{step}")
            meant |= set(range(low, high + 1, step))
        elif kind == 1:
            text.append(f"{word(a)}-{word(b)}")
            meant |= set(range(a, b + 1))
        elif kind == 2:
            text.append(f"{word(a)}-{word(b)}/{step}")
            meant |= set(range(a, b + 1, step))
        else:
            text.append(word(a))
            meant.add(a)
    return ",".join(text), meant


def length(day):
    return calendar.monthrange(day.year, day.month)[1]


def nearest(day, number):
    """From Monday to Friday, the nearest to that number, in the same month."""
    at = day.replace(day=number)
    if at.weekday() == 5:
        at += timedelta(days=-1 if number > 1 else 2)
    elif at.weekday() == 6:
        at += timedelta(days=1 if number < length(day) else -2)
    return at


def day_of_month(rng):
    kind, n = rng.randrange(6), rng.randint(1, 31)
    if kind == 0:
        return "L", lambda d: d.day == length(d)
    if kind == 1:
        back = rng.randint(1, 20)
        return f"L-{back}", lambda d: d.day == length(d) - back
    if kind == 2:
        return "LW", lambda d: d == nearest(d, length(d))
    if kind == 3:
        return f"{n}W", lambda d: n <= length(d) and d == nearest(d, n)
    text, meant = numbers(rng, 1, 31)
    return text, lambda d: d.day in meant


def weekday(d):
    return d.isoweekday() % 7


def day_of_week(rng):
    kind, w, n = rng.randrange(5), rng.randrange(7), rng.randint(1, 5)
    if kind == 0:
        return f"{w}L", lambda d: weekday(d) == w and d.day > length(d) - 7
    if kind == 1:
        return f"{DAYS[w]}#{n}", lambda d: weekday(d) == w and (d.day + 6) // 7 == n
    if kind == 2:  # over the end of the week
        a, b = rng.randint(4, 6), rng.randint(0, 2)
        return f"{DAYS[a]}-{DAYS[b]}", lambda d: weekday(d) >= a or weekday(d) <= b
    text, meant = numbers(rng, 0, 6, DAYS)
    return text, lambda d: weekday(d) in meant


def is_any(text):
    return text in ("*", "?", "*/1")


class Cron:
    """A random one. daily: once a day at most."""

    def __init__(self, rng, daily=False):
        self.second, self.seconds = numbers(rng, 0, 59) if rng.random() < 0.2 and not daily else ("0", {0})
        self.minute, self.minutes = numbers(rng, 0, 59)
        self.hour, self.hours = numbers(rng, 0, 23)
        if daily:
            minute, hour = rng.randint(0, 59), rng.randint(0, 23)
            self.minute, self.minutes, self.hour, self.hours = str(minute), {minute}, str(hour), {hour}
        elif rng.random() < 0.15:
            self.hour, self.hours = "*", set(range(24))
        self.month, self.months = numbers(rng, 1, 12, MONTHS) if rng.random() < 0.3 else ("*", set(range(1, 13)))
        self.day, self.day_ok = day_of_month(rng) if rng.random() < 0.4 else ("*", None)
        self.weekday, self.weekday_ok = day_of_week(rng) if rng.random() < 0.4 else (rng.choice("*?"), None)
        self.elapsed = is_any(self.hour)
        self.hours, self.minutes, self.seconds = map(sorted, (self.hours, self.minutes, self.seconds))

    def text(self):
        five = f"{self.minute} {self.hour} {self.day} {self.month} {self.weekday}"
        return five if self.second == "0" else f"{self.second} {five}"

    def meets(self, d):
        if d.month not in self.months:
            return False
        tests = [ok for ok, text in ((self.day_ok, self.day), (self.weekday_ok, self.weekday)) if not is_any(text)]
        return not tests or any(ok(d) for ok in tests)

    def walls(self, first, last):
        """From the hour of `first` to the day of `last`."""
        day, end = first.date(), last.date()
        while day <= end:
            if self.meets(day):
                for hour in self.hours:
                    if day > first.date() or hour >= first.hour:
                        yield from (datetime(day.year, day.month, day.day, hour, minute, second)
                                    for minute in self.minutes for second in self.seconds)
            day += timedelta(days=1)

    def ticks(self, start, zone, most, last):
        """The first `most` instants behind that of the wall time `start`, and none at `last` or later."""
        zone = ZoneInfo(zone)
        after = instants(start, zone, False)[0]
        found, enough = set(), None
        for wall in self.walls(start - JUMP, last):
            if wall >= last or (enough is not None and wall > enough):
                break
            found |= {t for t in instants(wall, zone, self.elapsed) if t > after}
            if enough is None and len(found) >= most:
                enough = wall + JUMP
        return sorted(found)[:most]
