/*
 * speaker.c - sentences for a person, at most ten a second, and how many were left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/speaker.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"

void speaker_init(struct speaker *s, const struct hooks *hooks)
{
	*s = (struct speaker){ .hooks = hooks, .second_ns = INT64_MIN };
	pthread_mutex_init(&s->lock, NULL);
}

static void say_rest(struct speaker *s)
{
	char text[64];

	if (!s->left_out)
		return;
	snprintf(text, sizeof(text), "%" PRIu64 " more sentences were left out", s->left_out);
	s->left_out = 0;
	s->hooks->say(s->hooks->context, text);
}

static bool may_speak(struct speaker *s, int64_t now_ns)
{
	if (s->second_ns == INT64_MIN || now_ns - s->second_ns >= SEC) {
		s->second_ns = now_ns;
		s->said = 0;
		say_rest(s);
	}
	if (s->said < SPEAKER_SENTENCES) {
		s->said++;
		return true;
	}
	s->left_out++;
	return false;
}

bool speaker_say(struct speaker *s, int64_t now_ns, const char *fmt, ...)
{
	char text[512];
	va_list args;
	bool speaks;

	if (!s->hooks->say)
		return true;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	pthread_mutex_lock(&s->lock);
	speaks = may_speak(s, now_ns);
	if (speaks)
		s->hooks->say(s->hooks->context, text);
	pthread_mutex_unlock(&s->lock);
	return speaks;
}

void speaker_rest(struct speaker *s)
{
	pthread_mutex_lock(&s->lock);
	say_rest(s);
	pthread_mutex_unlock(&s->lock);
}
