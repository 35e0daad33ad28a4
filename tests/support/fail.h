/* Fails the running test. In a hook of the runner process, ends the whole
 * program instead. Never returns to its caller. */
#ifndef TESTS_SUPPORT_FAIL_H
#define TESTS_SUPPORT_FAIL_H

_Noreturn void fail_at(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For a fork of a test: from now on a failure prints its text on standard error
 * and ends the fork with status 1. */
void fail_in_child(void);

/* Sets a prefix for the texts of all later failures, such as the position in a
 * script. */
void fail_context(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Tells Criterion of an assertion that isn't true, by the message with FORMAT
 * after its first character, or else by the ALLOCATED one, which it frees. */
void fail_assertion(const char *file, int line, char *allocated,
                    const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#define FAIL(...) fail_at(__FILE__, __LINE__, __VA_ARGS__)
#define FAIL_IF(condition, ...)                                                \
    do {                                                                       \
        if (condition)                                                         \
            FAIL(__VA_ARGS__);                                                 \
    } while (0)

#endif
