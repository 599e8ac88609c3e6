"""Tens of thousands of random timers tick when Python's dateutil, croniter and zoneinfo say so."""

import itertools
import json
import os
import random
import subprocess
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from cron_oracle import Cron
from croniter import croniter
from dateutil import rrule
from harness import BINARY

PROGRAM = os.path.join(os.path.dirname(BINARY), "tests", "unit", "model", "schedule_cli")
RULES = int(os.environ.get("SCHEDULE_ORACLE", 6000))  # of each seed; crons and recurrences of days have two
SLOW = RULES // 40  # of what dateutil or croniter take long for
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kolkata",
         "Africa/Casablanca", "Europe/Dublin", "Pacific/Apia", "America/St_Johns", "Asia/Tehran"]
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def ask(asks):
    lines = "".join(json.dumps(a) + "\n" for a in asks)
    done = subprocess.run([PROGRAM], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def instant(wall, zone):
    """The written rule: fold 0 is the offset before a change, for what is jumped over and for what comes twice."""
    return int(wall.replace(tzinfo=ZoneInfo(zone), fold=0).timestamp())


def compare(asks, wants):
    answers = ask(asks)
    wrong = [(a, w[:6], g.get("at", [])[:6], g.get("error")) for a, w, g in zip(asks, wants, answers) if g.get("at") != w]
    assert not wrong, "\n".join(map(repr, wrong[:4])) + f"\n{len(wrong)} of {len(asks)}"


# ---- cron ----


def cron_field(rng, low, high):
    kind = rng.randrange(6)
    if kind == 0:
        return f"*/{rng.randint(1, max(2, (high - low) // 2))}"
    a, b = sorted((rng.randint(low, high), rng.randint(low, high)))
    if kind == 1 and a < b:
        return f"{a}-{b}"
    if kind == 2 and a < b:
        return f"{a}-{b}/{rng.randint(1, 5)}"
    return ",".join(str(rng.randint(low, high)) for _ in range(rng.randint(1, 3)))


def cron_text(rng):
    minute, hour = cron_field(rng, 0, 59), cron_field(rng, 0, 23)
    days = rng.randrange(5)
    day = cron_field(rng, 1, 28) if days in (0, 1) else "L" if days == 2 else "*"
    month = cron_field(rng, 1, 12) if rng.random() < 0.3 else "*"
    weekday = "*"
    if days == 1:
        weekday = rng.choice(["1-5", "0", "sat", "mon,wed"])
    if days == 3:  # croniter wants a numbered weekday and a day of the month both: there we differ
        weekday = rng.choice(["1-5", "0", "sat", f"{rng.randrange(7)}#{rng.randint(1, 4)}", f"L{rng.randrange(7)}"])
    return minute, hour, day, month, weekday


def cron_walls(fields, start):
    it = croniter(" ".join(fields), start, day_or=True)
    while True:
        yield it.get_next(datetime)


def ours(fields):
    """croniter writes the last Friday L5."""
    weekday = fields[4][1:] + "L" if fields[4].startswith("L") else fields[4]
    return " ".join((*fields[:4], weekday))


@pytest.mark.parametrize("seed", (1, 2))
def test_cron_ticks_when_croniter_and_zoneinfo_say(seed):
    rng = random.Random(seed)
    asks, wants = [], []
    while len(asks) < SLOW:
        fields, zone = cron_text(rng), rng.choice(ZONES)
        # near a change of the clock more often than chance has it
        start = datetime(rng.randint(2018, 2028), rng.choice([3, 4, 9, 10, 11, rng.randint(1, 12)]), rng.randint(1, 28))
        after = instant(start, zone)
        most = rng.randint(1, 40)
        try:
            ticks = set()
            for wall in cron_walls(fields, start - timedelta(days=1)):
                ticks |= {instant(wall, zone)} if instant(wall, zone) > after else set()
                if len(ticks) > most + 150:  # so many that what a jump moves is among them
                    break
        except Exception:  # it gives up on dates that never come
            continue
        asks.append({"trigger": "core.crontimer", "params": {"expression": ours(fields), "timezone": zone},
                     "anchor": after, "most": most})
        wants.append(sorted(ticks)[:most])
    compare(asks, wants)


@pytest.mark.parametrize("seed", (1, 2))
def test_every_form_of_cron_ticks_when_plain_sets_and_zoneinfo_say(seed):
    """croniter knows neither W nor L-3, and takes long."""
    rng = random.Random(seed)
    asks, wants = [], []
    while len(asks) < RULES:
        cron, zone, most = Cron(rng), rng.choice(ZONES), rng.randint(1, 6)
        start = datetime(rng.randint(2018, 2028), rng.choice([3, 4, 9, 10, 11, rng.randint(1, 12)]), rng.randint(1, 28))
        ticks = cron.ticks(start, zone, most, datetime(2038, 1, 1))
        if len(ticks) < most:  # rare, or never
            continue
        asks.append({"trigger": "core.crontimer", "params": {"expression": cron.text(), "timezone": zone},
                     "anchor": instant(start, zone), "most": most})
        wants.append(ticks)
    compare(asks, wants)


@pytest.mark.parametrize("seed", (1, 2))
def test_ten_years_of_a_cron_are_whole(seed):
    """Every tick from 2019 to 2028, across twenty changes of the clock; once a day at most, or they would be too many."""
    rng = random.Random(seed)
    asks, wants = [], []
    first, last = datetime(2019, 1, 1), datetime(2029, 1, 1)
    while len(asks) < SLOW // 5:
        cron, zone = Cron(rng, daily=True), rng.choice(ZONES)
        ticks = cron.ticks(first, zone, 4000, last)
        if not ticks:
            continue
        asks.append({"trigger": "core.crontimer", "params": {"expression": cron.text(), "timezone": zone},
                     "anchor": instant(first, zone), "most": len(ticks)})
        wants.append(ticks)
    compare(asks, wants)


def test_a_cron_of_every_hour_goes_by_elapsed_time():
    asks, wants = [], []
    rng = random.Random(5)
    for zone, day in (("Europe/Berlin", datetime(2026, 10, 24)), ("Europe/Berlin", datetime(2026, 3, 28)),
                      ("America/New_York", datetime(2026, 10, 31)), ("Australia/Lord_Howe", datetime(2026, 4, 4))):
        minutes = {rng.randint(0, 59) for _ in range(3)}
        after = instant(day, zone)
        asks.append({"trigger": "core.crontimer", "anchor": after, "most": 120,
                     "params": {"expression": f"{','.join(map(str, minutes))} * * * *", "timezone": zone}})
        local = ((t, datetime.fromtimestamp(t, ZoneInfo(zone))) for t in range(after + 60, after + 4 * 86400, 60))
        wants.append([t for t, w in local if w.minute in minutes][:120])
    compare(asks, wants)


# ---- recurrences ----


def some(rng, low, high, most=3, negative=False):
    picks = {rng.randint(low, high) * (-1 if negative and rng.random() < 0.4 else 1) for _ in range(rng.randint(1, most))}
    return sorted(picks)


def recurrence(rng, freqs):
    freq = rng.choice(freqs)
    parts = {"FREQ": freq}
    if rng.random() < 0.5:
        parts["INTERVAL"] = rng.randint(1, {"YEARLY": 3, "MONTHLY": 7, "WEEKLY": 5}.get(freq, 20))
    slow = freq in ("YEARLY", "MONTHLY")
    if rng.random() < 0.5:
        parts["BYDAY"] = [(rng.choice(["", "1", "2", "-1", "-2"]) if slow else "") + d
                          for d in rng.sample(DAYS, rng.randint(1, 3))]
    if freq != "WEEKLY" and rng.random() < 0.3:
        parts["BYMONTHDAY"] = some(rng, 1, 28, negative=True)
    if rng.random() < 0.3:
        parts["BYMONTH"] = some(rng, 1, 12)
    if freq == "YEARLY" and rng.random() < 0.15:
        parts["BYYEARDAY"] = some(rng, 1, 365, negative=True)
    if freq == "YEARLY" and rng.random() < 0.15:
        parts["BYWEEKNO"] = some(rng, 2, 51)
        parts["BYDAY"] = [d[-2:] for d in parts.get("BYDAY", ["MO"])]
    for name, high in (("BYHOUR", 23), ("BYMINUTE", 59), ("BYSECOND", 59)):
        if rng.random() < 0.25:
            parts[name] = some(rng, 0, high)
    # not WEEKLY, where dateutil counts positions from the start within the first week, not from the week's beginning
    if rng.random() < 0.2 and slow and any(k.startswith("BY") for k in parts):
        parts["BYSETPOS"] = some(rng, 1, 5, 2, negative=True)
    if rng.random() < 0.3:
        parts["WKST"] = rng.choice(DAYS)
    end = rng.random()
    if end < 0.2:
        parts["COUNT"] = rng.randint(1, 40)
    return parts


def text_of(parts):
    return ";".join(f"{k}={','.join(map(str, v)) if isinstance(v, list) else v}" for k, v in parts.items())


FIELDS = {"FREQ": "freq", "INTERVAL": "interval", "COUNT": "count", "BYDAY": "by_day", "BYMONTHDAY": "by_month_day",
          "BYMONTH": "by_month", "BYYEARDAY": "by_year_day", "BYWEEKNO": "by_week_no", "BYHOUR": "by_hour",
          "BYMINUTE": "by_minute", "BYSECOND": "by_second", "BYSETPOS": "by_set_pos", "WKST": "week_start"}


@pytest.fixture(autouse=True)
def an_end_of_time(monkeypatch):
    """dateutil looks for what never comes until the year 9999."""
    monkeypatch.setattr(rrule.datetime, "MAXYEAR", 2062)


def recurrences(seed, freqs, zones, count, longest):
    rng = random.Random(seed)
    asks, wants = [], []
    while len(asks) < count:
        parts, zone = recurrence(rng, freqs), rng.choice(zones)
        start = datetime(rng.randint(2005, 2025), rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59),
                         rng.randint(0, 59))
        most = rng.randint(1, longest)
        try:
            walls = list(itertools.takewhile(lambda w: w.year < 2060, itertools.islice(
                rrule.rrulestr(text_of(parts), dtstart=start), 3 * most)))
        except ValueError:  # steps that never meet a part
            continue
        if len(walls) < min(3 * most, parts.get("COUNT", 3 * most)):
            continue  # cut off by the year, not by the rule
        after = instant(walls[rng.randrange(len(walls))], zone) - rng.randint(0, 86400) if rng.random() < 0.5 else instant(start, zone) - 1
        want = sorted({t for t in (instant(w, zone) for w in walls) if t > after})
        want = want[: min(most, max(0, len(want) - 2))] if len(walls) == 3 * most else want[:most]
        params = {"dtstart": start.isoformat(), "timezone": zone}
        if rng.random() < 0.5:
            params["rule"] = "RRULE:" + text_of(parts)
        else:
            params |= {FIELDS[k]: v for k, v in parts.items()}
        asks.append({"trigger": "core.rruletimer", "params": params, "anchor": after, "most": len(want) if len(walls) == 3 * most else most})
        wants.append(want)
    return asks, wants


@pytest.mark.parametrize("seed", (1, 2))
def test_recurrences_of_days_come_when_dateutil_and_zoneinfo_say(seed):
    freqs = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY"]
    compare(*recurrences(seed, freqs, ZONES, RULES, 2))
    compare(*recurrences(seed, freqs, ZONES, SLOW, 30))


def test_recurrences_of_hours_minutes_and_seconds_come_when_dateutil_says():
    compare(*recurrences(3, ["HOURLY", "MINUTELY", "SECONDLY"], ["UTC"], 2 * SLOW, 10))


# ---- zones ----


def test_offsets_are_those_of_zoneinfo_for_two_centuries():
    rng = random.Random(7)
    asks, wants = [], []
    for zone in ZONES + ["Asia/Kathmandu", "Antarctica/Troll", "America/Havana", "Asia/Gaza", "Europe/London"]:
        for _ in range(600):
            wall = datetime(1971, 1, 1) + timedelta(minutes=rng.randrange(0, 65 * 366 * 1440))
            asks.append({"trigger": "core.datetimetimer", "params": {"fire_at": wall.isoformat(), "timezone": zone},
                         "anchor": 0, "most": 2})
            wants.append([instant(wall, zone)])
    compare(asks, wants)


def test_midnight_utc_is_utc():
    at = int(datetime(2030, 1, 1, tzinfo=timezone.utc).timestamp())
    compare([{"trigger": "core.datetimetimer", "params": {"fire_at": "2030-01-01T00:00:00"}, "anchor": 0, "most": 1}], [[at]])
