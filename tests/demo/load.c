// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The demo's workload: an echo server and its clients on loopback, which check every byte.
 *
 *	load FILE	until SIGTERM; keeps "ROUNDS ERRORS LONGEST" in FILE (LONGEST is the longest
 *			round, in microseconds); exits with 0 if there was no error
 *
 * One client keeps its connection for as long as the program runs. The other makes a connection
 * for each round and gives it IP options (of the harmless kind), so that the function which the
 * demo updates is in use all the time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE = 1024, PATIENCE_S = 20 };

static struct sockaddr_in server = { .sin_family = AF_INET };
static atomic_uint_fast64_t rounds, errors, longest;
static atomic_bool stopping;

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool read_all(int fd, char *data, size_t len)
{
	while (len) {
		ssize_t got = read(fd, data, len);

		if (got <= 0)
			return false;
		data += got;
		len -= (size_t)got;
	}
	return true;
}

static void *serve(void *argument)
{
	int fd = (int)(intptr_t)argument;
	char data[MESSAGE];

	while (read_all(fd, data, sizeof(data)))
		if (write(fd, data, sizeof(data)) != (ssize_t)sizeof(data))
			break;
	close(fd);
	return NULL;
}

static void start_thread(void *(*run)(void *), intptr_t argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, (void *)argument)) {
		perror("load: thread");
		exit(1);
	}
	pthread_detach(thread);
}

static void *accept_all(void *argument)
{
	int listener = (int)(intptr_t)argument;

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0)
			start_thread(serve, fd);
	}
	return NULL;
}

static int connect_server(bool with_options)
{
	static const unsigned char options[] = { IPOPT_NOP, IPOPT_NOP, IPOPT_NOP, IPOPT_EOL };
	struct timeval limit = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    (with_options &&
	     setsockopt(fd, IPPROTO_IP, IP_OPTIONS, options, sizeof(options))) ||
	    connect(fd, (struct sockaddr *)&server, sizeof(server))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Sends a message that no other round sends and wants it back as it was. */
static bool echo(int fd, unsigned int *seed)
{
	char sent[MESSAGE], got[MESSAGE];

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)rand_r(seed);
	return write(fd, sent, sizeof(sent)) == (ssize_t)sizeof(sent) &&
	       read_all(fd, got, sizeof(got)) && !memcmp(sent, got, sizeof(sent));
}

static void count(bool good, uint64_t began)
{
	uint64_t took = now_us() - began;
	uint64_t before = atomic_load(&longest);

	atomic_fetch_add(good ? &rounds : &errors, 1);
	while (took > before && !atomic_compare_exchange_weak(&longest, &before, took))
		;
}

static void *keep_connection(void *unused)
{
	unsigned int seed = 1;
	int fd = connect_server(false);

	while (!atomic_load(&stopping)) {
		uint64_t began = now_us();
		bool good = fd >= 0 && echo(fd, &seed);

		count(good, began);
		if (!good) /* the connection is the point: there is no second one */
			break;
	}
	return NULL;
}

static void *make_connections(void *unused)
{
	unsigned int seed = 2;

	while (!atomic_load(&stopping)) {
		uint64_t began = now_us();
		int fd = connect_server(true);

		count(fd >= 0 && echo(fd, &seed), began);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

static int open_listener(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(server);

	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&server, len) || listen(fd, 64) ||
	    getsockname(fd, (struct sockaddr *)&server, &len)) {
		perror("load: listening");
		exit(1);
	}
	return fd;
}

static void tell(const char *path)
{
	char fresh[4096];
	FILE *file;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	file = fopen(fresh, "w");
	if (!file || fprintf(file, "%ju %ju %ju\n", (uintmax_t)atomic_load(&rounds),
			     (uintmax_t)atomic_load(&errors),
			     (uintmax_t)atomic_load(&longest)) < 0 ||
	    fclose(file) || rename(fresh, path)) {
		perror("load: telling");
		exit(1);
	}
}

static void stop(int signal)
{
	atomic_store(&stopping, true);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = stop };

	if (argc != 2)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &action, NULL);
	start_thread(accept_all, open_listener());
	start_thread(keep_connection, 0);
	start_thread(make_connections, 0);
	while (!atomic_load(&stopping)) {
		tell(argv[1]);
		poll(NULL, 0, 50);
	}
	tell(argv[1]);
	return atomic_load(&errors) != 0;
}
