#!/usr/bin/env bash
# Perl's Net::FTP never reads a ticket that comes after an upload. Many transfers
# in one session, and uploads in four parallel sessions, of which none may be
# cut. Before 3.15 it never resumes a ticket either, and needs
# data_binding=address.
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
for version in TLSv1_2 TLSv1_3; do
    step "$version: $many in one session, $each in each of four"
    timeout 100 perl - "$host" "$port" "$user" "$passfile" "$cacert" \
        "$version" "$many" "$each" 2>>transcript <<'PERL'
use strict;
use warnings;
use Net::FTP;

my ($host, $port, $user, $passfile, $cacert, $version, $many, $each) = @ARGV;
my $password = do { local $/; open my $f, '<', $passfile or die $!; <$f> };

sub enter {
    my $ftp = Net::FTP->new($host, Port => $port, Passive => 1,
        SSL_ca_file => $cacert, SSL_version => $version, Timeout => 30,
        Debug => 1) or die "no connection: $@";
    $ftp->starttls && $ftp->login($user, $password) && $ftp->binary
        or die $ftp->message;
    return $ftp;
}

sub upload {
    my ($ftp, $name, $bytes) = @_;
    open my $from, '<', \$bytes or die $!;
    $ftp->put($from, $name) && $ftp->code == 226 or die $ftp->message;
}

my $ftp = enter();
for my $i (1 .. $many / 2) {
    my ($sent, $got) = ("$i of many" x 1000, '');
    upload($ftp, 'm', $sent);
    open my $into, '>', \$got or die $!;
    $ftp->get('m', $into) or die $ftp->message;
    close $into;
    $got eq $sent or die 'got something else';
}

for my $n (1 .. 4) {
    next if fork;
    my $own = enter();
    upload($own, "m-$n-$_", "$_ of many" x 1000) for 1 .. $each;
    $own->quit;
    exit 0;
}
for (1 .. 4) { wait; $? == 0 or die 'an upload failed' }
my @all = $ftp->ls;
@all == 1 + 4 * $each or die "@all";
$ftp->quit;
PERL
done
echo "perl-tickets: done"
