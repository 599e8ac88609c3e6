"""Standing at the broker: a tap that gets a copy of every message, and a hand that publishes what it likes."""

import json
import time
import uuid

EXCHANGES = ("attune.events", "attune.executions", "attune.notifications")


class Tap:
    """A queue of the test's own, bound to everything. Each message is (exchange, key, type, payload)."""

    def __init__(self, world):
        self.connection = world.amqp()
        self.channel = self.connection.channel()
        self.queue = self.channel.queue_declare("", exclusive=True).method.queue
        for exchange in EXCHANGES:
            self.channel.queue_bind(self.queue, exchange, "#")
        self.seen = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def take(self):
        """What has come since the last time."""
        new = []
        while True:
            method, _, body = self.channel.basic_get(self.queue, auto_ack=True)
            if method is None:
                break
            envelope = json.loads(body)
            new.append((method.exchange, method.routing_key, envelope["message_type"], envelope["payload"], body))
        self.seen += new
        return new

    def items(self, kind):
        """The payloads of a kind, those of one message and of many alike."""
        self.take()
        out = []
        for _, _, message_type, payload, _ in self.seen:
            if message_type == kind:
                out += payload if isinstance(payload, list) else [payload]
        return out

    def calls(self, kind):
        self.take()
        return [(exchange, key, body) for exchange, key, message_type, _, body in self.seen if message_type == kind]


def envelope(kind, payload):
    return json.dumps({"message_id": str(uuid.uuid4()), "correlation_id": str(uuid.uuid4()), "message_type": kind, "version": "1.0",
                       "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
                       "headers": {"retry_count": 0, "source_service": "foreign"}, "payload": payload})


def publish(world, exchange, key, body):
    connection = world.amqp()
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_publish(exchange, key, body if isinstance(body, bytes) else body.encode(), mandatory=True)
    connection.close()


def dead_letters(world):
    """What lies in the dead-letter queue, which stays as it is: [(routing key, headers, body)]."""
    connection = world.amqp()
    channel = connection.channel()
    out = []
    while True:
        method, properties, body = channel.basic_get("attune.dlx.queue", auto_ack=False)
        if method is None:
            break
        out.append((method.routing_key, properties.headers or {}, body))
    connection.close()  # gives all of them back
    return out


def purge_all(world):
    connection = world.amqp()
    channel = connection.channel()
    from harness import rabbitmqctl

    purged = []
    for line in rabbitmqctl("list_queues", "-q", "--no-table-headers", "-p", world.name, "name", "exclusive").splitlines():
        name, *exclusive = line.split("\t")
        if name.strip() and exclusive != ["true"]:
            channel.queue_purge(name.strip())
            purged.append(name.strip())
    connection.close()
    return purged
