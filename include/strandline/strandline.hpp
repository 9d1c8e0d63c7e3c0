#pragma once

// Everything a program needs to publish, to consume, and to look after its streams.

#include <strandline/batch.hpp>
#include <strandline/broker.hpp>
#include <strandline/codec.hpp>
#include <strandline/consumer.hpp>
#include <strandline/consumer_options.hpp>
#include <strandline/consumer_status.hpp>
#include <strandline/dead_letters.hpp>
#include <strandline/delayed_events.hpp>
#include <strandline/delivery.hpp>
#include <strandline/entry_id.hpp>
#include <strandline/environment.hpp>
#include <strandline/error.hpp>
#include <strandline/event.hpp>
#include <strandline/event_bus.hpp>
#include <strandline/health.hpp>
#include <strandline/janitor.hpp>
#include <strandline/lock.hpp>
#include <strandline/memory.hpp>
#include <strandline/names.hpp>
#include <strandline/open.hpp>
#include <strandline/pending_delivery.hpp>
#include <strandline/producer.hpp>
#include <strandline/producer_options.hpp>
#include <strandline/publish_batch.hpp>
#include <strandline/publish_options.hpp>
#include <strandline/redis.hpp>
#include <strandline/registry.hpp>
#include <strandline/statistics.hpp>
#include <strandline/trim.hpp>
#include <strandline/version.hpp>
#include <strandline/wire_format.hpp>
