/* SITE: a second table of commands. No sub-command runs without its row's
 * argument and rights. */
#include "commands.h"
#include "control.h"

static void site_help_reply(struct session *s, const struct call *call)
{
    struct buf lines;

    (void)call;
    buf_init(&lines, 4096);
    site_help(&lines);
    reply_begin(&s->control.out, REPLY_SITE_HELP);
    buf_add_slice(&s->control.out, buf_slice(&lines));
    reply_end(&s->control.out, REPLY_SITE_HELP);
    buf_release(&lines);
    control_flush(s);
}

handler_fn *const site_handlers[SITE_COUNT] = {
    [SITE_CHMOD] = cmd_site_chmod,
    [SITE_HELP] = site_help_reply,
    [SITE_UTIME] = cmd_site_utime,
};

static enum reply site_objection(const struct session *s,
                                 const struct site *row, struct slice argument)
{
    if (row->argument && argument.len == 0)
        return REPLY_NEED_ARGUMENT;
    if (!row->argument && argument.len > 0)
        return REPLY_NO_ARGUMENT;
    return row->rights & ~s->login.rights ? REPLY_NO_RIGHT : REPLY_COUNT;
}

void cmd_site(struct session *s, const struct call *call)
{
    struct call sub = *call;
    struct slice name;
    const struct site *row;
    enum reply r;

    slice_cut(&sub.argument, ' ', &name);
    row = site_find(name);
    if (!row) {
        control_reply(s, REPLY_SITE_UNKNOWN);
        return;
    }
    r = site_objection(s, row, sub.argument);
    if (r == REPLY_NO_RIGHT)
        dispatch_refuse_right(s, row->rights & ~s->login.rights);
    else if (r != REPLY_COUNT)
        control_reply_with(s, r, slice_from(row->help));
    else
        site_handlers[row->verb](s, &sub);
}
