/* The command doctor. */
#ifndef CLIENT_DOCTOR_H
#define CLIENT_DOCTOR_H

#include "client.h"

command_run doctor_run;

#endif
