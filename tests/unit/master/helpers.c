/* See helpers.h. */
#include "helpers.h"

#include "master/children/children.h"
#include "sallyport/base/fd.h"
#include "support/scratch.h"
#include "support/server.h"
#include "support/settings.h"
#include "support/test.h"

#define FIRST 100 /* far above the descriptors of a test */

static void find_program(struct master *m, const char *name)
{
    FD_CLEANUP int program = open(server_program(name), O_PATH | O_CLOEXEC);

    cr_assert_geq(program, 0);
    cr_assert_geq(dup3(program, programs_find(m->programs, name), O_CLOEXEC),
                  0);
}

void helpers_find(struct master *m)
{
    for (int i = 0; i < MASTER_PROGRAMS; i++)
        m->programs[i] = FIRST + i;
    find_program(m, "check");
    find_program(m, "reader");
}

void helpers_play(struct master *m, const char *name, const char *program,
                  const char *argument, const char *script)
{
    FD_CLEANUP int fd = open(program, O_PATH | O_CLOEXEC);
    FILE *f;

    cr_assert_geq(dup3(fd, programs_find(m->programs, name), O_CLOEXEC), 0);
    scratch_enter();
    f = fopen(argument, "w");
    cr_assert(f && fputs(script, f) >= 0 && fclose(f) == 0);
}

pid_t errand_now(const struct master *m)
{
    for (size_t i = 0; i < ERRANDS_MAX; i++)
        if (m->errand[i].pid > 0)
            return m->errand[i].pid;
    return 0;
}

void helpers_configure(struct master *m, const char *text)
{
    struct complaint c = { "" };

    fd_close(&m->conf);
    m->conf = settings_of(text);
    cr_assert_eq(settings_take(&m->settings, m->conf, &c), 0, "%s", c.text);
}
