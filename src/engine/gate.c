/*
 * gate.c - threads begin together, or not at all, and leave together.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/gate.h"

void gate_init(struct gate *g)
{
	*g = (struct gate){ 0 };
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
}

bool gate_pass(struct gate *g, int result, const struct err *err)
{
	bool open;

	pthread_mutex_lock(&g->lock);
	g->arrived++;
	if (result < 0 && !g->err.code) {
		g->err = *err;
		g->err.code = result;
	}
	pthread_cond_broadcast(&g->changed);
	while (!g->decided)
		pthread_cond_wait(&g->changed, &g->lock);
	open = g->open;
	pthread_mutex_unlock(&g->lock);
	return open;
}

void gate_leave(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->leaving++;
	pthread_cond_broadcast(&g->changed);
	while (g->leaving < g->members)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

int gate_await(struct gate *g, unsigned expected, struct err *err)
{
	int code;

	pthread_mutex_lock(&g->lock);
	while (g->arrived < expected)
		pthread_cond_wait(&g->changed, &g->lock);
	code = g->err.code;
	if (code && err)
		*err = g->err;
	pthread_mutex_unlock(&g->lock);
	return code;
}

void gate_decide(struct gate *g, bool open, unsigned members)
{
	pthread_mutex_lock(&g->lock);
	g->decided = true;
	g->open = open;
	g->members = members;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}
