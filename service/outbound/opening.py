"""Which sink do the settings ask for, and with what?"""

from service.outbound.amqp import Amqp
from service.outbound.jsonl import Jsonl, Rotation
from service.outbound.kafka import Kafka
from service.outbound.nats import JetStream
from service.outbound.redis import RedisStream
from service.outbound.sink import Sink
from service.outbound.webhook import Webhook
from service.settings import AmqpSink, JsonlSink, KafkaSink, NatsSink, RedisSink, WebhookSink
from service.settings import Sink as SinkSettings


def open_sink(name: str, sink: SinkSettings) -> Sink:
    """Open the sink; raises Misconfigured when it will never do, or its library is missing."""
    match sink:
        case JsonlSink():
            return Jsonl(
                name,
                sink.path,
                rotation=Rotation(sink.rotate_bytes, sink.rotate_hours, sink.keep),
            )
        case WebhookSink():
            return _open_webhook(name, sink)
        case RedisSink():
            return RedisStream(
                name,
                sink.url.get_secret_value(),
                sink.stream,
                maxlen=sink.maxlen or None,
                replicas=sink.replicas,
                ca_file=sink.ca_file,
            )
        case NatsSink():
            return JetStream(
                name,
                sink.url.get_secret_value(),
                sink.subject,
                credentials=sink.credentials,
                ca_file=sink.ca_file,
            )
        case AmqpSink():
            return Amqp(
                name,
                sink.url.get_secret_value(),
                exchange=sink.exchange,
                routing_key=sink.routing_key,
                ca_file=sink.ca_file,
            )
        case KafkaSink():
            return Kafka(name, sink.brokers, sink.topic, options=_kafka_options(sink))


def _open_webhook(name: str, sink: WebhookSink) -> Webhook:
    """The new secret's signature stands first; the old one's follows while there is one."""
    secrets_ = [one.get_secret_value() for one in (sink.secret, sink.old_secret) if one]
    return Webhook(
        name,
        sink.url,
        secrets_,
        request_seconds=sink.timeout_seconds,
        loopback=sink.allow_loopback_http,
        workers=sink.concurrency,
        ca_file=sink.ca_file,
    )


def _kafka_options(sink: KafkaSink) -> dict[str, str]:
    transport = "ssl" if sink.tls else "plaintext"
    options = {"security.protocol": f"sasl_{transport}" if sink.username else transport}
    if sink.ca_file is not None:
        options["ssl.ca.location"] = str(sink.ca_file)
    if sink.username:
        options |= {"sasl.mechanism": sink.mechanism, "sasl.username": sink.username}
        options["sasl.password"] = sink.password.get_secret_value() if sink.password else ""
    return options
