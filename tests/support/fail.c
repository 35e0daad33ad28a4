/* Fails a test from support code. A hook doesn't belong to a test: there the
 * whole program ends without the line "Synthesis", and tests/run counts this as
 * a failure. */
#include "fail.h"

#include "test.h"

/* Ignores the leaks of Criterion, and of unit_master's played auth, which ends
 * with its users. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libcriterion\nleak:auth_hears\n";
}

static char context[512];
static bool in_child;

void fail_in_child(void)
{
    in_child = true;
}

void fail_context(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(context, sizeof(context), format, args);
    va_end(args);
}

_Noreturn void fail_at(const char *file, int line, const char *format, ...)
{
    char text[4096];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (criterion_current_test && !in_child)
        cr_assert_fail("%s:%d: %s%s", file, line, context, text);
    fprintf(stderr, "%s:%d: %s%s\n", file, line, context, text);
    _Exit(1);
}

void fail_assertion(const char *file, int line, char *allocated,
                    const char *format, ...)
{
    char text[4096];
    struct criterion_assert_stats stats = { .file = file,
                                            .line = (unsigned)line };
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    stats.message = text[1] ? text + 1 : allocated;
    criterion_send_assert(&stats);
    free(allocated);
}
