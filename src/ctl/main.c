/* sallyportctl, the administrator's program: users, sessions, partial uploads,
 * status. It runs with its caller's rights and leaves nothing running. It never
 * takes a password as an argument. */
#include "ctl.h"

#include "sallyport/base/process.h"

int main(int argc, char **argv)
{
    process_title_init(argc, argv);
    ctl_run(argc, argv);
}
