/* See parts.h. Runs in master. */
#include "parts.h"

#include "children/exec.h"
#include "generations/stop.h"
#include "run.h"
#include "sallyport/files/files.h"

void parts_attach(struct master *m, struct master_parts *parts)
{
    *parts = (struct master_parts){ 0 };
    m->certificates = &parts->certificates;
    m->listeners = &parts->listeners;
    m->hosts = &parts->hosts;
    m->children = &parts->children;
    m->services = &parts->services;
    m->sessions = &parts->sessions;
    m->guesses = &parts->guesses;
    m->users = &parts->users;
    m->access = &parts->access;
    m->control = &parts->control;
    m->older = parts->older;
    m->drain = &parts->drain;
    m->drain->next_gate = -1;
    m->newest = &parts->newest;
    m->heartbeat = &parts->heartbeat;
    certificates_init(m->certificates);
    older_init(m);
    link_init(m->newest, &m->loop);
    userdb_init(m->users, m);
    control_init(m->control, m);
    m->hooks = (struct master_hooks){ .spawn = exec_child,
                                      .files = files_main,
                                      .child_ready = run_child_ready,
                                      .users_read = run_users_read,
                                      .order = older_order,
                                      .settle = stop_settle };
}
