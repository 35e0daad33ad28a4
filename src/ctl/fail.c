/* The end of a command that fails: undoes what it has begun, prints the
 * complaint, and exits. A fork gives the complaint to its parent instead. */
#include "ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include "sallyport/base/harmless.h"

void (*at_fail)(int code);
static struct fail_page *parent;

/* The innermost fail_caught(). */
static struct catcher {
    jmp_buf at;
    struct complaint *why;
    struct catcher *outer;
} *catcher;
static int caught; /* the code of the last failure caught; 0: none */

void fail_to_parent(struct fail_page *page)
{
    parent = page;
    catcher = NULL;
}

int fail_caught(fail_work *work, void *data, struct complaint *why)
{
    struct catcher own = { .why = why, .outer = catcher };

    catcher = &own;
    if (setjmp(own.at) == 0) {
        work(data);
        caught = 0;
    }
    catcher = own.outer;
    return caught;
}

void fail(int code, const char *format, ...)
{
    void (*undo)(int) = at_fail;
    struct complaint why;
    va_list args;

    va_start(args, format);
    complaint_list(why.text, sizeof(why.text), format, args);
    va_end(args);
    harmless_make(why.text, strlen(why.text)); /* it can quote foreign text */
    if (catcher) {
        *catcher->why = why;
        caught = code;
        longjmp(catcher->at, 1);
    }
    at_fail = NULL;
    if (undo)
        undo(code);
    if (parent) {
        *parent = (struct fail_page){ code, why };
        _exit(0);
    }
    fflush(stdout);
    if (why.text[0])
        stderr_print("%s", why.text);
    _exit(code);
}

void fail_no_memory(void)
{
    fail(EX_OSERR, "out of memory");
}
