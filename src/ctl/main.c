/* sallyportctl, the administrator's program: users, sessions, partial uploads,
 * status. It runs as its caller and leaves nothing running. It never takes a
 * password as an argument. */
#include "ctl.h"

int main(int argc, char **argv)
{
    return ctl_run(argc, argv);
}
