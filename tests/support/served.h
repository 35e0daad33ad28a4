/* Defines tests with a server. Each test is a function that gets what its body
 * uses. After the body of a ServerTest or SessionTest the server stops; after
 * the body of a SessionTest or SharedSessionTest the session ends. SECONDS is
 * the test's time limit. */
#ifndef TESTS_SUPPORT_SERVED_H
#define TESTS_SUPPORT_SERVED_H

#include "session.h"

#define SERVED_OF(a, b) a##_##b##_served
#define SERVED_SERVER   __attribute__((unused)) struct server *server
#define SERVED_SESSION  SERVED_SERVER, struct session *s

/* A test with its own server, made by PLAN. */
#define ServerTest(suite, name, seconds, plan)                                 \
    static void SERVED_OF(suite, name)(SERVED_SERVER);                         \
    Test(suite, name, .timeout = (seconds))                                    \
    {                                                                          \
        struct server server;                                                  \
                                                                               \
        server_start(&server, plan);                                           \
        SERVED_OF(suite, name)(&server);                                       \
        server_stop(&server);                                                  \
    }                                                                          \
    static void SERVED_OF(suite, name)(SERVED_SERVER)

/* A test with its own server, and with a session of anna. */
#define SessionTest(suite, name, seconds, plan)                                \
    static void SERVED_OF(suite, name)(SERVED_SESSION);                        \
    Test(suite, name, .timeout = (seconds))                                    \
    {                                                                          \
        struct server server;                                                  \
        struct session s;                                                      \
                                                                               \
        session_begin(&s, &server, plan);                                      \
        SERVED_OF(suite, name)(&server, &s);                                   \
        session_end(&s, &server);                                              \
    }                                                                          \
    static void SERVED_OF(suite, name)(SERVED_SESSION)

/* Tests with the shared server of the program; a SharedSessionTest also has a
 * session of USER. */
#define SharedTest(suite, name, seconds)                                       \
    static void SERVED_OF(suite, name)(SERVED_SERVER);                         \
    Test(suite, name, .timeout = (seconds))                                    \
    {                                                                          \
        struct server server;                                                  \
                                                                               \
        server_shared(&server);                                                \
        SERVED_OF(suite, name)(&server);                                       \
    }                                                                          \
    static void SERVED_OF(suite, name)(SERVED_SERVER)
#define SharedSessionTest(suite, name, seconds, user)                          \
    static void SERVED_OF(suite, name)(SERVED_SESSION);                        \
    Test(suite, name, .timeout = (seconds))                                    \
    {                                                                          \
        struct server server;                                                  \
        struct session s;                                                      \
                                                                               \
        server_shared(&server);                                                \
        session_enter(&s, &server, user);                                      \
        SERVED_OF(suite, name)(&server, &s);                                   \
        session_close(&s);                                                     \
    }                                                                          \
    static void SERVED_OF(suite, name)(SERVED_SESSION)

#endif
