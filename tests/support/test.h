/* Includes Criterion, and libc's headers for files, processes and sockets,
 * which nearly every test needs. */
#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

/* Does what an assertion of Criterion 2.4 does. There each one makes its
 * message in place, which costs a third of the compiler's time for all tests.
 */
#undef cr_assert_impl
#define cr_assert_impl(Fail, Condition, Dummy, Kind, Expression, ...)          \
    do {                                                                       \
        if (!!(Condition))                                                     \
            cri_asserts_passed_incr();                                         \
        else {                                                                 \
            fail_assertion(                                                    \
                __FILE__, __LINE__,                                            \
                cr_translate_assert_msg(Kind, "" CR_IDENTITY Expression),      \
                "x" __VA_ARGS__);                                              \
            Fail();                                                            \
        }                                                                      \
    } while (0)

#endif
