/* Sends messages in tests. The macros work as SEND(), but a missing field is 0,
 * also a descriptor. */
#ifndef SALLYPORT_TESTS_SUPPORT_TELL_H
#define SALLYPORT_TESTS_SUPPORT_TELL_H

#include <string.h>

#include "sallyport/ipc/channel.h"

/* Returns 0 or -errno. */
#define SAY(channel, name, ...)                                                \
    channel_send(channel, MSG_##name, &(const struct msg_##name){ __VA_ARGS__ })
/* The message must be accepted. */
#define TELL(channel, name, ...)                                               \
    do {                                                                       \
        int tell_result = SAY(channel, name, __VA_ARGS__);                     \
                                                                               \
        cr_assert_eq(tell_result, 0, "%s: %s", #name,                          \
                     strerrordesc_np(-tell_result));                           \
    } while (0)

#endif
