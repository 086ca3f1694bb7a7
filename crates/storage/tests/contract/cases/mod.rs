//! All cases.

mod assets;
mod captions;
mod claims;
mod jobs;
mod leavers;
mod lists;
mod outputs;
mod queue;
mod sessions;
mod shares;
mod steering;
mod tables;
mod tags;
mod thumbnails;
mod turns;
mod uploads;
mod users;
mod windows;

use crate::Case;

/// Names of functions become cases with those names.
macro_rules! cases {
    ($($module:ident { $($case:ident)* })*) => {
        &[$($((stringify!($case), |world| Box::pin($module::$case(world))),)*)*]
    };
}

/// Every case. The names are names of databases, too, and no longer than 63 letters.
pub(crate) const ALL: &[Case] = cases! {
    tables {
        migrating_again_changes_nothing
        migrating_together_is_done_once
        a_newer_schema_is_refused
        rules_of_the_schema_are_kept
        it_answers
        changed_rows_are_told
    }
    leavers {
        sessions_are_listed_with_their_devices
        videos_are_handed_over
        an_account_goes_with_its_sessions
    }
    tags {
        videos_are_found_by_their_tags
        tags_are_suggested_to_those_who_may_see_them
    }
    captions {
        captions_replace_those_of_their_language
        captions_keep_to_limits
        captions_set_together_are_all_there
    }
    turns {
        of_many_who_ask_one_has_the_turn
        a_turn_of_a_wrong_clock_does_not_last
        clocks_are_compared
    }
    users {
        accounts_are_found_by_number_and_name
        names_are_unique_whatever_their_case
        the_first_user_is_made_once
        a_deleted_admin_never_returns
        passwords_are_set
        many_users_are_found_at_once
        numbers_are_never_given_twice
        accounts_are_changed_as_a_whole
        the_last_admin_stays
        the_documented_password_is_known_of
    }
    sessions {
        a_session_lives_until_it_ends
        only_active_accounts_have_sessions
        a_used_refresh_token_ends_the_session
        of_many_refreshes_one_is_done_and_the_others_follow
        a_token_is_forgiven_for_a_moment_only
        expired_sessions_are_swept
    }
    assets {
        an_asset_comes_with_its_job
        any_text_is_kept
        finishing_an_upload_twice_makes_one_asset
        finishing_an_upload_together_makes_one_asset
        an_asset_needs_its_upload_and_its_owner
        an_original_belongs_to_one_asset
        changes_change_what_they_name
        plays_are_counted
        originals_are_hashed_once
        a_deleted_asset_leaves_only_garbage
    }
    lists {
        viewers_find_what_they_may
        searches_mean_their_text
        states_are_filtered
        orders_are_total
        pages_join_up
        a_library_shows_what_can_be_watched
        what_people_do_is_noted
    }
    windows {
        windows_join_up
        searches_give_titles_first
        searches_go_by_what_text_means
        searches_find_the_newest_and_as_many_titles
        texts_of_earlier_versions_are_folded
        windows_stand_still_while_lists_move
        windows_keep_to_their_filter
        accounts_are_listed_by_name
    }
    queue {
        the_queue_is_counted
        the_queue_is_held_for_everybody
        what_came_out_is_told_by_the_minute
        workers_are_listed_while_they_say_something
        what_everything_takes_is_added_up
    }
    claims {
        many_claims_of_many_jobs
        a_claim_begins_an_attempt
        only_queued_jobs_are_claimed
        a_claim_lasts_as_long_as_it_is_renewed
        a_late_worker_is_refused
        what_the_server_held_is_taken_up_without_counting
        a_worker_that_dies_again_and_again
        a_clock_that_was_wrong_keeps_no_job_waiting
        a_job_that_takes_the_server_down_again_and_again
    }
    shares {
        accounts_take_turns
        running_jobs_count_first
        priority_counts_among_equals
        every_end_of_an_attempt_is_counted
        a_ticket_brings_up_what_was_missed
        a_wrong_clock_starves_nobody
        the_places_are_those_of_the_turns
        many_claims_take_each_job_once
    }
    jobs {
        a_failed_attempt_is_repeated_after_a_while
        a_bad_file_fails_at_once
        a_drain_does_not_count
        jobs_to_run_come_in_order
        finishing_twice_is_fine
        an_attempt_ends_one_way
    }
    outputs {
        what_is_learned_is_shown
        notes_are_those_of_the_newest_attempt
        a_failed_attempt_leaves_nothing_to_see
        renditions_grow
        renditions_of_many_assets
        earlier_attempts_become_garbage
    }
    thumbnails {
        a_chosen_picture_replaces_the_one_before
        what_nothing_keeps_becomes_garbage
        of_many_choices_one_picture_stays
        a_choice_outlives_attempts_but_not_its_video
    }
    steering {
        a_queued_job_is_cancelled
        a_running_job_is_cancelled
        a_retry_goes_on_where_the_job_ended
        of_many_retries_one_succeeds
        deleting_takes_the_job_away
        everything_at_once
    }
    uploads {
        uploads_are_kept
        uploads_change_until_they_are_assets
        jobs_belong_to_the_trace_of_their_upload
        deleted_uploads_leave_their_bytes_as_garbage
        uploads_expire
        uploads_in_one_request_are_lost_with_their_receiver
        an_upload_becomes_what_its_row_says
        what_an_owner_sends_and_has_is_known
        room_is_given_once
        accounts_have_limits_of_their_own
        garbage_is_noted_until_it_is_gone
    }
};
