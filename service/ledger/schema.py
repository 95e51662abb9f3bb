"""Which tables the ledger has; the modules of `tables` say what each keeps and guarantees."""

from service.ledger.columns import metadata as metadata
from service.ledger.tables.booked import acts as acts
from service.ledger.tables.booked import mismatches as mismatches
from service.ledger.tables.booked import postings as postings
from service.ledger.tables.closed import closings as closings
from service.ledger.tables.run import audit as audit
from service.ledger.tables.run import meta as meta
from service.ledger.tables.run import notices as notices
from service.ledger.tables.run import pages as pages
from service.ledger.tables.run import radar as radar
from service.ledger.tables.run import replicas as replicas
from service.ledger.tables.run import sendings as sendings
from service.ledger.tables.run import slots as slots
from service.ledger.tables.run import successes as successes
from service.ledger.tables.seen import beliefs as beliefs
from service.ledger.tables.seen import changes as changes
from service.ledger.tables.seen import deliveries as deliveries
from service.ledger.tables.seen import looks as looks
from service.ledger.tables.seen import observations as observations
from service.ledger.tables.seen import watches as watches
from service.ledger.tables.statements import statement_lines as statement_lines
from service.ledger.tables.statements import statements as statements
from service.ledger.tables.told import dispatches as dispatches
from service.ledger.tables.told import dropped as dropped
from service.ledger.tables.told import outbox as outbox
from service.ledger.tables.told import sinks as sinks
