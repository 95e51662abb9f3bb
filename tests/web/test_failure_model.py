"""Which test proves each thing that may be tried on the console (failure model, W01 to W25)?"""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PROOFS = {
    # a page without a session
    1: ["web/test_signing.py: without_a_session_every_page_leads_to_the_sign_in_and_back",
        "web/test_signing.py: who_is_not_known_learns_not_whether_something_is_there",
        "web/test_doors_all.py: every_door_opens_to_its_roles_and_to_nobody_else",
        "web/test_api.py: without_a_good_token_nothing_is_said"],
    # names and passwords that are wrong, odd, monstrous, or tried a thousand times
    2: ["web/test_crowding.py: whoever_is_refused_cost_one_hash_of_the_same_cost",
        "web/test_crowding.py: a_thousand_tries_cost_a_quarter_of_an_hour_and_never_more",
        "web/test_signing.py: whatever_is_wrong_the_same_is_said",
        "web/test_signing.py: a_monstrous_password_is_refused_unhashed",
        "web/test_signing.py: a_form_beyond_its_limit_is_not_read",
        "web/test_signing.py: failures_cost_waiting_that_grows_and_ends",
        "work/test_hashing.py: only_the_right_password_is_right"],
    # a hundred sign-ins at once
    3: ["web/test_crowding.py: of_a_hundred_sign_ins_two_are_hashed_ten_wait_the_rest_comes_again",
        "work/test_hashing.py: two_at_once_some_wait_and_the_rest_is_sent_away",
        "work/test_hashing.py: a_hash_costs_what_it_should"],
    # a session that was planted, ended or changed
    4: ["web/test_signing.py: a_session_begins_anew_at_the_sign_in_and_ends_at_the_sign_out",
        "web/test_signing.py: a_session_is_over_at_once_on_every_replica",
        "web/test_signing.py: a_session_ends_at_once_when_the_person_changes",
        "web/test_signing.py: a_session_ends_when_idle_and_in_any_case_at_last",
        "web/console/test_sign_in.py: whoever_is_disabled_is_out_at_once"],
    # cookies that were tampered with, doubled, or another host's
    5: ["web/test_signing.py: a_cookie_that_is_not_exactly_ours_is_nobodys",
        "web/test_signing.py: behind_https_cookies_belong_to_the_host",
        "web/test_signing.py: another_host_is_not_answered"],
    # a form of somebody else
    6: ["web/test_signing.py: a_form_must_be_our_own",
        "web/console/test_sign_in.py: a_form_made_for_another_session_is_refused"],
    # another method
    7: ["web/test_signing.py: only_the_method_of_the_table_does_anything",
        "web/test_doors_all.py: other_methods_do_nothing",
        "web/test_doors_all.py: a_head_is_a_get_without_its_body"],
    # somebody whom a provider vouches for
    8: ["web/test_oidc.py: what_is_not_proved_lets_nobody_in",
        "web/test_oidc.py: a_state_is_good_once_in_its_own_browser_and_soon",
        "web/test_oidc.py: without_a_state_or_a_code_nobody_comes_in",
        "web/test_oidc.py: an_answer_of_another_provider_is_not_taken_for_this_ones",
        "web/test_oidc.py: a_token_that_brings_its_own_key_is_not_believed",
        "web/test_oidc.py: the_way_back_is_of_the_settings_whatever_a_request_says",
        "web/test_oidc.py: a_provider_that_is_away_or_another_is_said",
        "web/test_oidc.py: a_refusal_is_logged_by_a_fixed_word_and_without_what_was_sent",
        "web/test_oidc.py: a_name_that_is_taken_is_not_taken_over",
        "web/test_oidc.py: two_subjects_of_one_name_are_two_people"],
    # where one goes on to
    9: ["web/test_signing.py: one_goes_on_only_to_our_own_pages",
        "web/console/test_pages.py: a_language_is_chosen_and_leads_back_to_our_own_pages_only"],
    # who may not
    10: ["web/test_doors_all.py: every_door_opens_to_its_roles_and_to_nobody_else",
         "web/test_doors_all.py: every_door_of_programs_opens_to_its_scopes_and_to_nobody_else",
         "web/test_doors_all.py: a_refusal_of_somebody_known_is_audited_once_a_minute",
         "web/console/test_acts.py: nothing_is_opened_without_a_reason_or_the_role",
         "web/console/test_reports.py: a_viewer_sees_which_there_are_and_takes_none"],
    # what is another's
    11: ["web/console/test_acts.py: who_sees_one_account_sees_nothing_of_another",
         "web/console/test_pages.py: another_accounts_mismatch_is_as_good_as_none",
         "web/test_api.py: what_is_of_another_account_is_not_found"],
    # scripts
    12: ["web/console/test_payloads.py: the_browser_tells_what_runs",
         "web/console/test_payloads.py: no_payload_in_any_field_of_any_form_runs",
         "web/console/test_payloads.py: no_payload_that_the_ledger_holds_runs",
         "web/console/test_payloads.py: no_payload_in_a_picture_runs",
         "web/console/test_payloads.py: real_pages_run_nothing_under_their_policy",
         "web/console/test_pages.py: no_page_has_a_style_or_a_script_inside",
         "outbound/test_report_files.py: a_page_shows_all_and_runs_nothing"],
    # filters
    13: ["web/console/test_questions.py: no_page_takes_a_field_that_it_has_not_or_one_twice",
         "web/console/test_questions.py: every_field_of_every_filter_refuses_nonsense_by_its_name",
         "web/console/test_pages.py: what_is_asked_badly_is_refused_by_its_field",
         "web/console/test_reports.py: a_file_that_is_asked_badly_is_refused_by_its_field"],
    # searches
    14: ["web/console/test_acts.py: what_is_searched_is_meant_literally",
         "web/console/test_questions.py: a_search_that_takes_long_is_ended"],
    # what a spreadsheet would take for a formula
    15: ["outbound/test_csv_file.py: a_text_is_never_a_formula",
         "outbound/test_csv_file.py: an_id_stays_text",
         "outbound/test_report_files.py: cells_are_typed_and_ids_are_text"],
    # reports of odd days
    16: ["work/report/test_reports.py: a_day_that_is_not_closed_says_so",
         "work/report/test_reports.py: a_ledger_without_anything_has_empty_reports",
         "web/console/test_reports.py: an_odd_day_is_a_day_if_there_is_one"],
    # amounts
    17: ["web/console/test_questions.py: money_is_exact_to_the_last_fen",
         "outbound/test_csv_file.py: amounts_are_plain_decimals"],
    # fifty slow reports
    18: ["web/console/test_reports.py: too_many_at_once_are_told_when_to_come_again"],
    # the same form twice, and a stale one
    19: ["web/console/test_questions.py: a_form_sent_twice_is_done_once_and_led_to_the_same_place",
         "web/console/test_questions.py: a_form_that_is_being_worked_on_is_not_begun_again",
         "web/console/test_questions.py: a_stale_form_is_shown_what_was_done_meanwhile",
         "web/console/test_pages.py: the_same_form_twice_acts_once",
         "web/test_api.py: under_one_key_it_is_done_once"],
    # a file where none is taken
    20: ["web/test_doors_all.py: a_file_is_taken_at_its_own_doors_only",
         "web/test_api.py: the_body_must_be_json",
         "web/test_uploads.py: who_may_not_upload_is_given_no_time",
         "web/test_uploads.py: a_statement_beyond_the_limit_is_not_read_to_its_end"],
    # what is for inside only
    21: ["web/test_app.py: who_is_outside_reads_no_metrics_and_no_reason",
         "web/test_app.py: a_trusted_proxy_says_who_is_inside",
         "web/test_listeners.py: neither_listener_answers_for_the_other",
         "web/test_doors_all.py: nothing_is_routed_that_is_no_door"],
    # links
    22: ["web/test_oidc.py: the_way_back_is_of_the_settings_whatever_a_request_says",
         "work/test_people.py: it_is_said_in_english_with_a_link",
         "web/console/test_reports.py: a_link_of_a_note_leads_to_a_page_of_the_console"],
    # frames, sniffing, the way back after signing out
    23: ["web/test_signing.py: every_answer_carries_the_headers",
         "web/test_doors_all.py: every_door_opens_to_its_roles_and_to_nobody_else",
         "web/console/test_sign_in.py: whoever_signed_out_is_out_with_the_old_cookie_too"],
    # nonsense of language and zone
    24: ["web/test_signing.py: nonsense_of_languages_reads_chinese",
         "web/console/test_questions.py: nonsense_of_language_and_zone_reads_chinese_in_shanghai"],
    # sessions, viewers and sign-ins without number
    25: ["web/test_crowding.py: of_ten_thousand_sessions_the_newest_twenty_last",
         "web/test_crowding.py: who_begins_to_sign_in_elsewhere_and_never_returns_fills_nothing",
         "web/test_crowding.py: nobody_holds_a_line_open_to_watch",
         "web/test_signing.py: of_too_many_sessions_the_oldest_ends",
         "web/test_protocol.py: a_connection_too_many_is_told_to_come_back"],
}  # fmt: skip


def test_everything_that_may_be_tried_has_its_proof() -> None:
    assert list(PROOFS) == list(range(1, 26))
    assert all(PROOFS.values())


@pytest.mark.parametrize(
    "file", sorted({one.split(": ")[0] for many in PROOFS.values() for one in many})
)
def test_every_proof_is_a_test_that_is_there(file: str) -> None:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    named = {
        one.split(": ")[1]
        for many in PROOFS.values()
        for one in many
        if one.startswith(f"{file}: ")
    }
    assert {f"test_{name}" for name in named} <= there
