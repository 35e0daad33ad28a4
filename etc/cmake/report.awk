# Prints figures of the given files: functions and files, in lines.
function percentile(a, n, p,   i) { i = int(n * p) + 1; return a[i > n ? n : i] }
function sort(a, n,   i, j, v) {
    for (i = 2; i <= n; i++) {
        v = a[i]
        for (j = i - 1; j > 0 && a[j] > v; j--)
            a[j + 1] = a[j]
        a[j + 1] = v
    }
}
FNR == 1 { if (NR > 1) file[++files] = last; start = 0 }
/^\{$/ { start = FNR }
/^\}$/ { if (start) function_[++functions] = FNR - start - 1; start = 0 }
{ last = FNR; lines++ }
END {
    file[++files] = last
    sort(file, files)
    sort(function_, functions)
    printf "%d files, %d lines: median %d, p90 %d, longest %d\n", files, lines,
        percentile(file, files, .5), percentile(file, files, .9), file[files]
    printf "%d functions: median %d, p90 %d, p99 %d, longest %d\n", functions,
        percentile(function_, functions, .5),
        percentile(function_, functions, .9),
        percentile(function_, functions, .99), function_[functions]
}
