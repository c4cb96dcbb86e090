// SPDX-License-Identifier: Apache-2.0
#include "nflog/log_time.h"

#include <algorithm>

namespace kube_nflog {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using Form = WrittenTime::Form;

// Reads off the front of a text what is asked for; once that is not there, sound() is false for
// good and nothing more is read.
class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {}

  bool sound() const { return sound_; }
  std::string_view rest() const { return text_; }

  // Takes one of `any`, if it is next.
  bool take(std::string_view any) {
    if (!is_next(any)) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool take_word(std::string_view word) {
    if (!sound_ || !text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  bool is_next(std::string_view any) const {
    return sound_ && !text_.empty() && any.find(text_.front()) != std::string_view::npos;
  }
  void want(std::string_view any) { sound_ = take(any); }
  void want_if(bool condition) { sound_ = sound_ && condition; }

  std::int64_t number(std::size_t least, std::size_t most) {
    std::int64_t value = 0;
    std::size_t digits = 0;
    while (sound_ && digits < most && digits < text_.size() && is_digit(text_[digits]))
      value = value * 10 + (text_[digits++] - '0');
    text_.remove_prefix(digits);
    want_if(digits >= least);
    return value;
  }

  // Which of the names, of three letters each, is next; from 1.
  unsigned name(std::string_view names) {
    const std::size_t at =
        text_.size() < 3 ? std::string_view::npos : names.find(text_.substr(0, 3));
    want_if(at != std::string_view::npos && at % 3 == 0);
    if (!sound_) return 1;
    text_.remove_prefix(3);
    return static_cast<unsigned>(at / 3 + 1);
  }

  // Behind a point: what it is in microseconds; further digits are left out.
  microseconds fraction() {
    microseconds value{};
    microseconds unit = std::chrono::milliseconds(100);
    want_if(!text_.empty() && is_digit(text_.front()));
    while (sound_ && !text_.empty() && is_digit(text_.front())) {
      value += unit * (text_.front() - '0');
      unit /= 10;
      text_.remove_prefix(1);
    }
    return value;
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  std::string_view text_;
  bool sound_ = true;
};

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view kWeekdays = "MonTueWedThuFriSatSun";

// `16:23:17`. A leap second is the next one.
seconds read_clock(Scan& scan) {
  const std::int64_t hour = scan.number(2, 2);
  scan.want(":");
  const std::int64_t minute = scan.number(2, 2);
  scan.want(":");
  const std::int64_t second = scan.number(2, 2);
  scan.want_if(hour < 24 && minute < 60 && second <= 60);
  return std::chrono::hours(hour) + std::chrono::minutes(minute) + seconds(second);
}

microseconds read_fraction(Scan& scan, std::string_view points) {
  return scan.take(points) ? scan.fraction() : microseconds{};
}

// `Nov  3`, `Nov 03`
std::chrono::month_day read_month_day(Scan& scan) {
  const unsigned month = scan.name(kMonths);
  scan.want(" ");
  scan.take(" ");
  const std::chrono::day day(static_cast<unsigned>(scan.number(1, 2)));
  const std::chrono::month_day date(std::chrono::month(month), day);
  scan.want_if(date.ok());
  return date;
}

microseconds since_1970(Scan& scan, const std::chrono::year_month_day& date) {
  scan.want_if(date.ok());
  return scan.sound() ? std::chrono::sys_days(date).time_since_epoch() : std::chrono::days();
}

// `+01:00`, `+0100` or `+01`; none where none is written.
std::optional<seconds> read_offset(Scan& scan) {
  const bool west = scan.take("-");
  if (!west && !scan.take("+")) return std::nullopt;
  const std::int64_t hours = scan.number(2, 2);
  const bool has_minutes = scan.take(":") || scan.is_next(kDigits);
  const std::int64_t minutes = has_minutes ? scan.number(2, 2) : 0;
  scan.want_if(hours < 24 && minutes < 60);
  const seconds ahead = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return west ? -ahead : ahead;
}

std::optional<seconds> read_zone(Scan& scan) {
  return scan.take("Zz") ? seconds{} : read_offset(scan);
}

// `UTC` or an offset as a word of its own. What else stands there is the host, or a name such as
// `CET`, which does not say where it is used.
std::optional<seconds> read_zone_word(Scan& scan) {
  Scan ahead = scan;
  const bool is_utc = ahead.take_word("UTC") || ahead.take_word("GMT");
  const std::optional<seconds> zone = is_utc ? seconds{} : read_offset(ahead);
  ahead.want(" ");
  if (!zone || !ahead.sound()) return std::nullopt;
  scan = ahead;
  return zone;
}

WrittenTime read_rfc3339(Scan& scan) {
  const std::chrono::year year(static_cast<int>(scan.number(4, 4)));
  scan.want("-");
  const std::chrono::month month(static_cast<unsigned>(scan.number(2, 2)));
  scan.want("-");
  const std::chrono::day day(static_cast<unsigned>(scan.number(2, 2)));
  microseconds value = since_1970(scan, {year, month, day});
  scan.want("Tt ");
  value += read_clock(scan);
  value += read_fraction(scan, ".,");
  std::optional<seconds> zone = read_zone(scan);
  scan.want(" ");
  if (!zone) zone = read_zone_word(scan);
  return {zone ? Form::kZoned : Form::kLocal, value - zone.value_or(seconds{})};
}

// `Tue 2026-11-03 16:23:17 UTC`, as journalctl -o short-full writes it.
WrittenTime read_full(Scan& scan) {
  scan.name(kWeekdays);
  scan.want(" ");
  return read_rfc3339(scan);
}

WrittenTime read_rfc3164(Scan& scan) {
  const std::chrono::month_day date = read_month_day(scan);
  scan.want(" ");
  const seconds clock = read_clock(scan);
  const microseconds value = clock + read_fraction(scan, ".");
  scan.want(" ");
  return {Form::kYearless, value, date};
}

// `1700000000.123456`, as journalctl -o short-unix writes it: since 1970. Shorter numbers may be a
// prefix.
WrittenTime read_unix(Scan& scan) {
  const seconds whole(scan.number(9, 11));
  scan.want(".");
  const microseconds value = whole + scan.fraction();
  scan.want(" ");
  return {Form::kZoned, value};
}

WrittenTime read_uptime(Scan& scan) {
  constexpr std::size_t kMostDigits = 12;  // 30,000 years
  scan.want("[");
  while (scan.take(" ")) {
  }
  const seconds whole(scan.number(1, kMostDigits));
  scan.want(".");
  const microseconds value = whole + scan.fraction();
  scan.want("]");
  if (scan.take("[")) {
    while (scan.take(" ")) {
    }
    scan.want("TC");
    scan.number(1, kMostDigits);
    scan.want("]");
  }
  scan.want(" ");
  return {Form::kUptime, value};
}

WrittenTime read_ctime(Scan& scan) {
  scan.want("[");
  scan.name(kWeekdays);
  scan.want(" ");
  const std::chrono::month_day date = read_month_day(scan);
  scan.want(" ");
  const seconds clock = read_clock(scan);
  scan.want(" ");
  const std::chrono::year year(static_cast<int>(scan.number(4, 4)));
  const microseconds day = since_1970(scan, year / date);
  scan.want("]");
  scan.want(" ");
  return {Form::kLocal, day + clock};
}

using Reader = WrittenTime (*)(Scan&);

WrittenTime take_as(Reader read, std::string_view& text) {
  Scan scan(text);
  const WrittenTime time = read(scan);
  if (!scan.sound()) return {};
  text = scan.rest();
  return time;
}

// The local time nearest to `now` on such a date.
std::optional<microseconds> with_year(const WrittenTime& written, microseconds now) {
  using std::chrono::sys_days;
  const auto today = std::chrono::floor<std::chrono::days>(SystemTime(now));
  const std::chrono::year this_year = std::chrono::year_month_day(today).year();
  std::optional<microseconds> nearest;
  for (const int years : {0, -1, 1}) {
    const std::chrono::year_month_day date = (this_year + std::chrono::years(years)) / written.date;
    if (!date.ok()) continue;
    const microseconds time = sys_days(date).time_since_epoch() + written.value;
    if (!nearest || std::chrono::abs(now - time) < std::chrono::abs(now - *nearest)) nearest = time;
  }
  return nearest;
}

}  // namespace

WrittenTime take_date_time(std::string_view& text) {
  const bool digit = !text.empty() && text.front() >= '0' && text.front() <= '9';
  const WrittenTime time = take_as(digit ? read_rfc3339 : read_rfc3164, text);
  return time ? time : take_as(digit ? read_unix : read_full, text);
}

WrittenTime take_bracketed_time(std::string_view& text) {
  if (!text.starts_with('[')) return {};
  const WrittenTime uptime = take_as(read_uptime, text);
  return uptime ? uptime : take_as(read_ctime, text);
}

seconds LocalOffset::at(SystemTime time) {
  using Quarters = std::chrono::duration<std::int64_t, std::ratio<900>>;
  const Quarters since = std::chrono::floor<Quarters>(time).time_since_epoch();
  Quarter& quarter = known_[static_cast<std::size_t>(since.count()) % known_.size()];
  if (quarter.number != since.count())
    quarter = {since.count(), rule_(static_cast<std::time_t>(seconds(since).count()))};
  return quarter.offset;
}

seconds LocalOffset::rule_of_this_process(std::time_t time) {
  std::tm local{};
  return seconds(::localtime_r(&time, &local) != nullptr ? local.tm_gmtoff : 0);
}

std::optional<SystemTime> meaning(const WrittenTime& written, SystemTime now, SteadyTime uptime,
                                  LocalOffset& local) {
  if (written.form == Form::kNone) return std::nullopt;
  if (written.form == Form::kZoned) return SystemTime(written.value);
  if (written.form == Form::kUptime) {
    // Cut to microseconds first: as nanoseconds, what is written may not fit.
    return now - std::chrono::floor<microseconds>(uptime.time_since_epoch()) + written.value;
  }
  const seconds today = local.at(now);
  std::optional<microseconds> wall = written.value;
  if (written.form == Form::kYearless) wall = with_year(written, now.time_since_epoch() + today);
  if (!wall) return std::nullopt;
  const SystemTime time(*wall - today);
  const seconds then = local.at(time);
  return then == today ? time : SystemTime(*wall - then);
}

}  // namespace kube_nflog
