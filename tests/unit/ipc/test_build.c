/* The report of a child about its build. */
#include <criterion/criterion.h>
#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/ipc/generation.h"
#include "support/messages.h"

Test(build, is_told_first)
{
    struct channel master, child;
    struct message m;

    channel_make_both(&master, PROCESS_MASTER, &child, PROCESS_LOG,
                      PHASE_START);
    build_send(&child);
    cr_assert_eq(channel_receive(&master, &m), 1);
    cr_assert_eq(m.kind, MSG_build);
    cr_expect(slice_equal(m.build.name, slice_from(build_name())));
    cr_expect_eq(m.build.messages, build_messages());
    cr_expect_eq(MSG_build, 1, "its number never changes");
    channel_close(&master);
    channel_close(&child);
}

Test(build, names_the_version)
{
    const size_t len = strlen(SALLYPORT_VERSION);

    cr_expect_eq(strncmp(build_name(), SALLYPORT_VERSION "-", len + 1), 0);
    cr_expect_eq(strlen(build_name()), len + 1 + 16, "%s", build_name());
    cr_expect_neq(build_messages(), 0);
}
