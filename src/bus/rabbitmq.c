#include "bus/rabbitmq.h"

#include "bus/librabbitmq.h"

#include <stdlib.h>

static void
rabbit_close(Bus *bus)
{
	RabbitBus *b = (RabbitBus *)bus;

	conn_goodbye(&b->admin);
	pthread_mutex_destroy(&b->lock);
	free(b->known);
	bus_done(bus);
	free(b);
}

static const BusOps rabbit_ops = {
	.close = rabbit_close,
	.port_open = rabbit_port_open,
	.port_close = rabbit_port_close,
	.port_publish = rabbit_port_publish,
	.port_settle = rabbit_port_settle,
	.port_returned = rabbit_port_returned,
	.sub_open = rabbit_sub_open,
	.sub_close = rabbit_sub_close,
	.sub_take = rabbit_sub_take,
	.sub_ack = rabbit_sub_ack,
	.sub_return = rabbit_sub_return,
	.sub_dead = rabbit_sub_dead,
	.sub_wake = rabbit_sub_wake,
	.sub_connected = rabbit_sub_connected,
	.depths = rabbit_depths,
	.depth = rabbit_depth,
	.purge = rabbit_purge,
	.delete_worker_queues = rabbit_delete_worker_queues,
	.keep_dead = rabbit_keep_dead,
	.dead_list = rabbit_dead_list,
	.dead_act = rabbit_dead_act,
	.publish_raw = rabbit_publish_raw,
};

static bool
rabbit_new(const BusConfig *config, RabbitBus **ret, Err *err)
{
	RabbitBus *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	bus_init(&b->bus, &rabbit_ops, config);
	pthread_mutex_init(&b->lock, NULL);
	b->heartbeat = config->heartbeat;
	b->quorum = config->quorum;
	b->admin = (Conn){
		.bus = b,
		.what = "administration",
		.patience = CONNECT_PATIENT_US,
		.confirms = true,
	};
	if (!late_load(&librabbitmq, err) || !rabbit_url_parse(b->bus.mem, config->url, &b->url, err) ||
	    !conn_connect(&b->admin, err)) {
		rabbit_close(&b->bus);
		return false;
	}
	*ret = b;
	return true;
}

bool
rabbit_open(const BusConfig *config, Bus **ret, Err *err)
{
	RabbitBus *b;

	if (!rabbit_new(config, &b, err))
		return false;
	if (!topology_declare(b, &b->admin, err) || !topology_probe(b, &b->admin, err)) {
		rabbit_close(&b->bus);
		return false;
	}
	*ret = &b->bus;
	return true;
}

bool
rabbit_migrate(const BusConfig *config, Err *err)
{
	RabbitBus *b;
	bool done;

	if (!rabbit_new(config, &b, err))
		return false;
	done = topology_migrate(b, &b->admin, err);
	rabbit_close(&b->bus);
	return done;
}
