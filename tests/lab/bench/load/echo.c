#include "echo.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "wire.h"

#define EVENTS 64

static void add(int ep, int fd, void *data)
{
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = data };

    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) < 0)
        wire_fail("epoll: %s", strerror(errno));
}

/* Answers a line. The client sends the next line only after the answer, so one
 * read gets a whole line. Returns false when the client has closed. */
static bool answer(SSL *ssl)
{
    static const char text[] = "200 Yes\r\n";
    char line[1024];

    if (wire_receive(ssl, line, sizeof(line)) == 0) {
        wire_close(ssl, false);
        return false;
    }
    wire_send(ssl, text, sizeof(text) - 1);
    return true;
}

void echo_serve(SSL_CTX *ctx, int listener)
{
    struct epoll_event events[EVENTS];
    int ep = epoll_create1(EPOLL_CLOEXEC);

    if (ep < 0)
        wire_fail("epoll: %s", strerror(errno));
    add(ep, listener, NULL);
    for (;;) {
        int n = epoll_wait(ep, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr) {
                answer(events[i].data.ptr);
            } else {
                SSL *ssl = wire_answer(ctx, wire_accept(listener), 0);
                add(ep, SSL_get_fd(ssl), ssl);
            }
        }
    }
}

void echo_serve_each(SSL_CTX *ctx, int listener)
{
    signal(SIGCHLD, SIG_IGN); /* the kernel reaps the children */
    for (;;) {
        SSL *ssl = wire_answer(ctx, wire_accept(listener), 0);
        pid_t pid = fork();

        if (pid < 0)
            wire_fail("fork: %s", strerror(errno));
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            while (answer(ssl))
                ;
            _exit(0);
        }
        close(SSL_get_fd(ssl));
        SSL_free(ssl);
    }
}
