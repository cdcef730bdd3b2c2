"""The topics of a Kafka broker, drained into bronze. The one package that speaks Kafka."""
