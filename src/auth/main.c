/* The process auth: answers "is this the password of that name?" from the users
 * file that master gave it. It opens nothing and connects to nobody. Only the
 * log gets the reason of a failed login. */
#include "auth.h"

int main(int argc, char **argv)
{
    static struct auth auth;

    return frame_main(&auth_row, &auth.frame, argc, argv);
}
