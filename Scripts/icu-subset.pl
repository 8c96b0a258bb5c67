#!/usr/bin/perl
# The part of ICU's data that a program needs which writes English only. Foundation links all of it, 34 MB:
# every language's names of days, currencies and units, and every old character set.
# usage: icu-subset.pl ALL.dat SUBSET.dat
#
# The file is a header, a count, that many pairs of offsets (of name and of data, from the end of the header) sorted by
# name, the names and the data. ICU looks a name up and goes to the parent language, in the end the root, if it is absent.
use strict;
use warnings;

my ($from, $to) = @ARGV;
die "usage: icu-subset.pl ALL.dat SUBSET.dat\n" unless defined $to;
open my $in, '<:raw', $from or die "$from: $!\n";
my $all = do { local $/; <$in> };
my ($headerSize, $magic) = unpack 'v v', $all;
die "$from: expected ICU data of format CmnD 1, little-endian\n"
  unless $magic == 0x27da && substr($all, 12, 5) eq "CmnD\x01" && ord(substr $all, 8, 1) == 0;

my $body = substr $all, $headerSize;
my @entries = unpack '(V V)' . unpack('V', $body), substr $body, 4;
my @offsets = (@entries[map { 2 * $_ + 1 } 0 .. @entries / 2 - 1], length $body);
my @kept;
for my $i (0 .. $#offsets - 1) {
  my $start = $entries[2 * $i];
  my $name = substr $body, $start, index($body, "\0", $start) - $start;
  next unless wanted($name);
  push @kept, [$name, substr $body, $offsets[$i], $offsets[$i + 1] - $offsets[$i]];
}

# Kept are English, the tables that all languages use, and the plain rules of where words and lines end. Without the rest ICU falls
# back: to English and the root's rules, to the order of code points in `localizedCompare`, to nil for a language's or zone's name
# and for text in old character sets.
sub wanted {
  my ($name) = @_;
  my ($folder, $file) = $name =~ m{^[^/]+/(?:(\w+)/)?([^/]+)$} or return 1;
  $folder //= '';
  # transliteration, orders of letters, numbers in words, names of languages, regions, units and time zones
  return 0 if $folder =~ /^(translit|coll|rbnf|lang|region|unit|zone)$/;
  # `pool` holds strings that the others point to
  return $file =~ /^(root|pool|en|supplementalData)\.res$/ if $folder eq 'curr';
  # character sets, dictionaries, names of characters
  return 0 if $file =~ /\.(cnv|dict|spp|cfu)$/ || $file =~ /^(unames|cnvalias)\.icu$|^langInfo\.res$|^line_\w+\.brk$/;
  # `de.res` and `de_AT.res` are languages; longer names are tables
  return 1 unless $file =~ /^([a-z]{2,3})(_\w*)?\.res$/;
  return $1 eq 'en' && ($2 // '') =~ /^(_001|_US)?$/;
}

my $names = '';
my $table = '';
my $data = '';
my $namesStart = 4 + 8 * @kept;
my $namesSize = 0;
$namesSize += 1 + length $_->[0] for @kept;
my $dataStart = $namesStart + $namesSize;
$dataStart += -$dataStart % 16;
for (@kept) {
  my ($name, $bytes) = @$_;
  $table .= pack 'V V', $namesStart + length $names, $dataStart + length $data;
  $names .= "$name\0";
  $data .= $bytes . "\0" x (-length($bytes) % 16);
}
$names .= "\0" x ($dataStart - $namesStart - length $names);
open my $out, '>:raw', $to or die "$to: $!\n";
print $out substr($all, 0, $headerSize), pack('V', scalar @kept), $table, $names, $data or die "$to: $!\n";
close $out or die "$to: $!\n";
